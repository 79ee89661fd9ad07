/** Error codes for programs. docs/errors.md lists each code with its remedy. */
export type AnalyticsErrorCode =
  | 'OPTION_INVALID'
  | 'ARGUMENT_INVALID'
  | 'WRONG_USAGE'
  | 'NODE_TOO_OLD'
  | 'KOA_NOT_FOUND'
  | 'DATABASE_NOT_FOUND'
  | 'DATABASE_UNREACHABLE'
  | 'DATABASE_REFUSED'
  | 'DATABASE_NOT_MIGRATED'
  | 'DATABASE_TOO_NEW'
  | 'DATABASE_BUSY'
  | 'DATABASE_CHANGED'
  | 'DATABASE_MOVED'
  | 'DATABASE_FAILED'
  | 'BATCH_REFUSED'
  | 'INSTANCE_COPIED'
  | 'PEPPER_MISMATCH'
  | 'DATA_DIR_UNWRITABLE'
  | 'DATA_DIR_UNREADABLE'
  | 'COUNTER_FILE_INVALID'
  | 'FILE_UNWRITABLE'
  | 'IDENTIFY_FAILED'
  | 'ENDPOINT_FAILED'
  | 'ROUTER_UNKNOWN'
  | 'ROUTES_LIMITED'
  | 'USAGE_INVALID'
  | 'USAGE_DECREASED'
  | 'CLOSE_REFUSED'
  | 'INTERNAL'

/**
 * The only error class of this package. Its message says what was found, why if known, and what to do. It never
 * contains a password or an API key.
 */
export class AnalyticsError extends Error {
  override readonly name = 'AnalyticsError'
  readonly code: AnalyticsErrorCode

  constructor(code: AnalyticsErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Translates the error of a file system when another user owns a file or folder; others stay as they are. */
export function explainRefusal(error: unknown, path: string, code: AnalyticsErrorCode): unknown {
  const { code: reason = '' } = error as { code?: string }
  if (!/^(EACCES|EPERM)$/.test(reason)) return error
  const message = `You may not read ${path} (${reason}). Run this as the user of the app.`
  return new AnalyticsError(code, message, { cause: error })
}
