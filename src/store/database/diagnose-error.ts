import { NO_FILE, UNREACHABLE } from './diagnoses.ts'
import type { Diagnosis } from './diagnoses.ts'
import { BY_CODE } from './diagnoses-by-code.ts'
import { BY_MESSAGE } from './diagnoses-by-message.ts'

/** What a driver throws. With several addresses it is one error for all. */
export type DriverError = {
  code?: string
  syscall?: string
  message?: string
  errors?: readonly DriverError[]
}

/** Recognises an error by its text first, because some codes stand for several causes. */
export function diagnose(error: DriverError): Diagnosis {
  const code = error.code ?? error.errors?.[0]?.code ?? ''
  const message = causeOf(error)
  for (const [pattern, diagnosis] of BY_MESSAGE) if (pattern.test(message)) return diagnosis
  // a missing socket gives the same code
  if (code === 'ENOENT' && error.syscall === 'open') return NO_FILE
  for (const [pattern, diagnosis] of BY_CODE) if (pattern.test(code)) return diagnosis
  // the PostgreSQL driver gives no code for a connection that broke or was never made
  if (!/^(\w{5}|SQLITE_\w+)$/.test(code) || code === 'EPIPE') return UNREACHABLE
  return {
    code: 'DATABASE_FAILED',
    finding: 'A statement failed on',
    remedy: 'If it stays, check the database.',
  }
}

/**
 * The driver's message. It names users, hosts and tables, never a password. With several addresses the driver fails
 * with one error for all.
 */
export function causeOf(error: DriverError): string {
  const cause = error.message || error.errors?.[0]?.message || error.code || 'no reason given'
  return cause.replace(/\s*\n\s*/g, '; ').replace(/\.$/, '')
}
