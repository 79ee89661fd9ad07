import { AnalyticsError } from '../../model/errors.ts'
import type { AnalyticsErrorCode } from '../../model/errors.ts'

/** An error that is sent to another thread. Cloning alone would lose its class and its code. */
export interface SentError {
  /** Whether it is an `AnalyticsError`. */
  readonly ours: boolean
  readonly code: string | undefined
  readonly message: string
  readonly stack: string | undefined
  readonly cause: SentError | undefined
}

export function packError(error: unknown): SentError {
  if (!(error instanceof Error)) {
    return { ours: false, code: undefined, message: String(error), stack: undefined, cause: undefined }
  }
  const { code, message, stack, cause } = error as NodeJS.ErrnoException
  return {
    ours: error instanceof AnalyticsError,
    code,
    message,
    stack,
    cause: cause === undefined ? undefined : packError(cause),
  }
}

export function unpackError({ ours, code, message, stack, cause }: SentError): Error {
  const options = cause && { cause: unpackError(cause) }
  const error = ours
    ? new AnalyticsError(code as AnalyticsErrorCode, message, options)
    : Object.assign(new Error(message, options), code !== undefined && { code })
  // the stack of where it happened, not of where it arrived
  if (stack !== undefined) error.stack = stack
  return error
}
