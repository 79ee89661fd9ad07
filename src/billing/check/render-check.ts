import type { StatementCheck } from '../../model/statement.ts'

/** A check for people, with the result as its last line. */
export function renderCheck({ intact, statements, lines, findings, notes }: StatementCheck): string {
  const what = `${statements === 1 ? '1 statement' : `${statements} statements`} with ${lines} ${lines === 1 ? 'line' : 'lines'}`
  return [
    ...findings,
    ...notes.map((note) => `Note: ${note}`),
    intact ? `OK: ${what}, nothing was changed.` : 'NOT OK: this is not what was made.',
    '',
  ].join('\n')
}
