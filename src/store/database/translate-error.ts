import { AnalyticsError } from '../../model/errors.ts'
import { causeOf, diagnose } from './diagnose-error.ts'
import type { DriverError } from './diagnose-error.ts'

/**
 * Translates the error of a database driver. Only DATABASE_REFUSED, DATABASE_NOT_MIGRATED and DATABASE_NOT_FOUND need
 * an action by a person. After the others, try again.
 */
export function translateError(error: unknown, databaseLabel: string): AnalyticsError {
  if (error instanceof AnalyticsError) return error
  const { code, finding, remedy } = diagnose(error as DriverError)
  return new AnalyticsError(
    code,
    `${finding} ${databaseLabel} (${causeOf(error as DriverError)}). ${remedy}`,
    {
      cause: error,
    },
  )
}

/** True when the database will always refuse the same statement with the same values. */
export function isContentError(error: unknown): boolean {
  if (isMissingKey(error)) return false
  const code = codeOf(error)
  return /^(21|22|23|54)\w{3}$/.test(code) || /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code)
}

/** True when a row refers to a key that does not exist: the key was just deleted. */
export function isMissingKey(error: unknown): boolean {
  return ['23503', 'SQLITE_CONSTRAINT_FOREIGNKEY'].includes(codeOf(error))
}

function codeOf(error: unknown): string {
  const cause = error instanceof AnalyticsError ? (error.cause as DriverError | undefined) : undefined
  return cause?.code ?? ''
}
