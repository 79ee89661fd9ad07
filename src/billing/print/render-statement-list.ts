import type { StatementSummary } from '../../model/statement.ts'
import { renderTable } from '../../report/render/render-table.ts'
import type { Screen } from '../../terminal/screen.ts'

/** The statements as a table for people. */
export function renderStatementList(statements: readonly StatementSummary[], screen: Screen): string {
  if (statements.length === 0)
    return 'No period was closed yet: "apikey-analytics close" makes the first statement.\n'
  return renderTable(
    {
      columns: [
        { name: 'number', title: 'No.', kind: 'count' },
        { name: 'period', title: 'Period', kind: 'text' },
        { name: 'timeZone', title: 'Time zone', kind: 'text', dropFirst: 3 },
        { name: 'billable', title: 'Billed', kind: 'text', dropFirst: 4 },
        { name: 'requests', title: 'Requests', kind: 'count' },
        { name: 'corrected', title: 'Corrects', kind: 'text', dropFirst: 2 },
        { name: 'closedAt', title: 'Closed (UTC)', kind: 'time', dropFirst: 1 },
        { name: 'signed', title: 'Signed', kind: 'text', dropFirst: 5 },
        { name: 'hash', title: 'Hash', kind: 'text', dropFirst: 6 },
      ],
      rows: statements.map(({ statement, totals, hash, signature }) => [
        statement.number,
        statement.period.label,
        statement.period.timeZone,
        statement.billable.join(', '),
        Number(totals.usage['requests'] ?? 0),
        statement.corrects.map(({ period }) => period.label).join(', '),
        new Date(statement.closedAt),
        signature ? 'yes' : 'no',
        hash.slice(0, 16),
      ]),
    },
    screen,
  )
}
