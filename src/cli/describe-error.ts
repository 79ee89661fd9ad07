import { stripVTControlCharacters } from 'node:util'
import { AnalyticsError } from '../model/errors.ts'
import { escapeTerminal } from '../terminal/escape-terminal.ts'
import { describeUsageError } from './describe-usage-error.ts'

/** The report of an error: one line, a code for programs, and the exit code. */
export interface ErrorDescription {
  readonly code: string
  readonly message: string
  readonly exitCode: 1 | 2
}

/** Describes any error without a stack trace, passwords, or characters that control a terminal. */
export function describeError(error: unknown): ErrorDescription {
  const { oclif, message } = error as Error & { oclif?: { exit?: number } }
  const line = oneLine(message ?? String(error))
  if (error instanceof AnalyticsError) {
    const wrongUsage = ['WRONG_USAGE', 'OPTION_INVALID', 'ARGUMENT_INVALID'].includes(error.code)
    return { code: error.code, message: line, exitCode: wrongUsage ? 2 : 1 }
  }
  const usage = describeUsageError(error as Error)
  if (oclif || usage !== undefined) {
    return { code: 'WRONG_USAGE', message: usage === undefined ? line : oneLine(usage), exitCode: 2 }
  }
  return { code: 'INTERNAL', message: line || 'Failed without an error message.', exitCode: 1 }
}

function oneLine(message: string): string {
  const text = stripVTControlCharacters(message)
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/\s*\n\s*See more help with --help$/, '. See --help.')
    .replace(/\s*\n\s*/g, '; ')
  return escapeTerminal(text.replace(/:\/\/(?!user:password@)\S*@/g, '://***@'))
}
