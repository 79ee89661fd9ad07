import { groupDigits } from '../../model/quantities.ts'
import type { StatementFormat } from '../../model/statement.ts'
import { renderCsv } from '../../report/render/render-csv.ts'
import type { CsvSeparator } from '../../report/render/render-csv.ts'
import { renderJson } from '../../report/render/render-json.ts'
import { escapeMarkdown } from '../../report/render/render-markdown.ts'
import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { alignCells } from './align-cells.ts'
import type { PricedStatement } from '../price/price-statement.ts'

const CSV_COLUMNS = [
  'line',
  'kind',
  'period',
  'owner',
  'keyId',
  'key',
  'method',
  'endpoint',
  'unit',
  'quantity',
  'amount',
  'currency',
]

/** Prints a priced statement. */
export function renderPriced(
  priced: PricedStatement,
  format: StatementFormat,
  separator: CsvSeparator = ',',
): string {
  const { statement, period, currency, lines, customers, total, notes } = priced
  if (format === 'json') return renderJson(priced)
  if (format === 'csv') {
    const rows = lines.map((line) => [
      line.line,
      line.kind,
      line.period,
      line.owner,
      line.keyId,
      line.key,
      line.method,
      line.endpoint,
      line.unit,
      BigInt(line.quantity),
      line.amount === null ? null : { decimal: line.amount },
      currency,
    ])
    return renderCsv([CSV_COLUMNS, ...rows], separator)
  }
  const title = `Statement ${statement}: ${period.label} (${period.timeZone}), in ${currency}`
  const cells = lines.map(({ owner, key, method, endpoint, unit, quantity, amount, kind, period: label }) => [
    `${owner ?? '(no customer)'}: ${key}, ${method} ${endpoint}`,
    unit,
    groupDigits(quantity),
    kind === 'usage' ? label : `correction of ${label}`,
    amount ?? 'no price',
  ])
  const sums = customers.map(({ owner, keyId, amount }): [string, string] => [owner ?? keyId ?? '', amount])
  if (format === 'markdown') {
    const row = (some: readonly string[]) => `| ${some.map(escapeMarkdown).join(' | ')} |\n`
    const head = '| Line | Unit | Quantity | Period | Amount |\n| --- | --- | ---: | --- | ---: |\n'
    const totals = [...sums, ['Total', total]].map(
      ([name, amount]) => `- ${escapeMarkdown(name!)}: ${amount} ${currency}\n`,
    )
    return `## ${escapeMarkdown(title)}\n\n${head}${cells.map(row).join('')}\n${totals.join('')}${notes.map((note) => `- ${escapeMarkdown(note)}\n`).join('')}`
  }
  const totals = [...sums, ['Total', total]].map(([name, amount]) => [
    escapeTerminal(name!),
    '',
    '',
    '',
    `${amount} ${currency}`,
  ])
  const shown = cells.map((some) => some.map(escapeTerminal))
  return `${title}\n\n${alignCells(shown)}\n${alignCells(totals)}${notes.map((note) => `\n${note}\n`).join('')}`
}
