import type { StatementCheck } from '../../model/statement.ts'
import { countOf } from '../../terminal/format-number.ts'

/** A check for people, with the result as its last line. */
export function renderCheck({ intact, statements, lines, findings, notes }: StatementCheck): string {
  const what = `${countOf(statements, 'statement')} with ${countOf(lines, 'line')}`
  return [
    ...findings,
    ...notes.map((note) => `Note: ${note}`),
    intact ? `OK: ${what}, nothing was changed.` : 'NOT OK: this is not what was made.',
    '',
  ].join('\n')
}
