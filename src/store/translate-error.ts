import { AnalyticsError } from '../errors.ts'
import type { AnalyticsErrorCode } from '../errors.ts'

type DriverError = { code?: string; message?: string; errors?: readonly DriverError[] }

/**
 * Says in our words what a database driver said. Only DATABASE_REFUSED, DATABASE_NOT_MIGRATED and DATABASE_NOT_FOUND
 * need somebody to act; after the others trying again is right.
 */
export function translateError(error: unknown, place: string): AnalyticsError {
  if (error instanceof AnalyticsError) return error
  const { code, finding, remedy } = diagnose(error as DriverError)
  return new AnalyticsError(code, `${finding} ${place} (${causeOf(error as DriverError)}). ${remedy}`, {
    cause: error,
  })
}

/** True when the database will refuse the same statement with the same values for ever. */
export function isContentError(error: unknown): boolean {
  if (isMissingKey(error)) return false
  const code = codeOf(error)
  return /^(22|23|54)\w{3}$/.test(code) || /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code)
}

/** True when a row names a key that is not there: somebody has just deleted it. */
export function isMissingKey(error: unknown): boolean {
  return ['23503', 'SQLITE_CONSTRAINT_FOREIGNKEY'].includes(codeOf(error))
}

function codeOf(error: unknown): string {
  const cause = error instanceof AnalyticsError ? (error.cause as DriverError | undefined) : undefined
  return cause?.code ?? ''
}

interface Diagnosis {
  readonly code: AnalyticsErrorCode
  readonly finding: string
  readonly remedy: string
}

const CHECK_URL = 'Check --database or DATABASE_URL.'

function diagnose(error: DriverError): Diagnosis {
  const code = error.code ?? error.errors?.[0]?.code ?? ''
  for (const [pattern, diagnosis] of DIAGNOSES) if (pattern.test(code)) return diagnosis
  // the PostgreSQL driver gives no code for a connection that broke or never came about
  if (!/^(\w{5}|SQLITE_\w+)$/.test(code) || code === 'EPIPE') return UNREACHABLE
  if (/no such table/.test(error.message ?? '')) return NOT_MIGRATED
  return {
    code: 'DATABASE_FAILED',
    finding: 'A statement failed on',
    remedy: 'If it stays, look after the database.',
  }
}

const UNREACHABLE: Diagnosis = { code: 'DATABASE_UNREACHABLE', finding: 'Cannot reach', remedy: CHECK_URL }
const NOT_MIGRATED: Diagnosis = {
  code: 'DATABASE_NOT_MIGRATED',
  finding: 'The tables are missing in',
  remedy: 'Run "apikey-analytics migrate".',
}
const BUSY: Diagnosis = {
  code: 'DATABASE_BUSY',
  finding: 'Somebody else holds a lock in',
  remedy: 'Try again, or find out who does.',
}

/** By SQLSTATE, by SQLite's result code, or by the system's. */
const DIAGNOSES: readonly (readonly [RegExp, Diagnosis])[] = [
  [
    /^28\w{3}$|^42501$/,
    { code: 'DATABASE_REFUSED', finding: 'No access to', remedy: 'Check user, password and grants.' },
  ],
  [/^3D000$/, { code: 'DATABASE_REFUSED', finding: 'There is no such database:', remedy: CHECK_URL }],
  [/^42P01$/, NOT_MIGRATED],
  [
    /^25P0[34]$/,
    {
      code: 'DATABASE_BUSY',
      finding: 'This process stood still inside a transaction, which was ended so that others can go on, on',
      remedy: 'Nothing of it was written: try again.',
    },
  ],
  [/^08\w{3}$|^57P0\w$|^53300$/, UNREACHABLE],
  [/^40\w{3}$|^55P03$|^SQLITE_(BUSY|LOCKED)/, BUSY],
  [/^SQLITE_NOTADB/, { code: 'DATABASE_REFUSED', finding: 'This file is no database:', remedy: CHECK_URL }],
  [
    /^SQLITE_(CANTOPEN|READONLY|PERM|AUTH)|^(EACCES|EPERM|EROFS|EISDIR|ENOTDIR|EEXIST)$/,
    { code: 'DATABASE_REFUSED', finding: 'Cannot open', remedy: 'Check the path and its permissions.' },
  ],
  [
    /^53100$|^SQLITE_FULL|^ENOSPC$/,
    { code: 'DATABASE_FAILED', finding: 'No space is left for', remedy: 'Make room on its disk.' },
  ],
]

/** The driver's words. They name users, hosts and tables, never a password; several addresses fail as one error. */
function causeOf(error: DriverError): string {
  return error.message || error.errors?.[0]?.message || error.code || 'no reason given'
}
