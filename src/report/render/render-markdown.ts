import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { formatCell } from './format-cell.ts'
import { amountOf, titleOfAmount } from '../usage/amount.ts'
import { formatCount } from '../../terminal/format-number.ts'
import { compareTotal } from './render-report.ts'
import type { ReportHeading } from './render-report.ts'
import { tablesOf } from './tables-of-report.ts'
import { isNumeric } from './report-table.ts'
import type { ReportTable } from './report-table.ts'
import type { UsageReport } from '../usage/usage-report.ts'

/** A report as Markdown: a heading, its facts as a list, one table per section. */
export function renderMarkdown(
  report: UsageReport,
  { title, databaseLabel, dataDir, line }: ReportHeading,
): string {
  const { period, total, notes, unit } = report
  const compared = compareTotal(report)
  const facts = [
    `Period: ${period.text}`,
    ...(line === undefined ? [] : [line]),
    ...(compared ? [`${titleOfAmount(unit)}: ${formatCount(amountOf(total))} (${compared})`] : []),
    `Database: ${databaseLabel}`,
    `Data folder: ${dataDir}`,
    ...notes,
  ]
  const list = facts.map((fact) => `- ${escapeMarkdown(fact)}`).join('\n')
  const tables = tablesOf(report).map((table) => renderMarkdownTable(table, period.timeZone))
  return `${[`## ${escapeMarkdown(title)}`, list, ...tables].join('\n\n')}\n`
}

/** Escapes text for Markdown, also in a cell of a table. */
export function escapeMarkdown(text: string): string {
  return escapeTerminal(text).replace(/[\\`*_[\]<>|~#&]/g, '\\$&')
}

/** A table as Markdown. */
export function renderMarkdownTable(
  { title, columns, rows, total, note }: ReportTable,
  timeZone: string,
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const lines = [...rows, ...(total ? [total] : [])].map((row) =>
    line(
      row.map((cell, index) => escapeMarkdown(formatCell(cell, columns[index]?.kind ?? 'text', timeZone))),
    ),
  )
  return [
    ...(title ? [`### ${escapeMarkdown(title)}\n`] : []),
    line(columns.map((column) => escapeMarkdown(column.title))),
    line(columns.map((column) => (isNumeric(column) ? '--:' : ':--'))),
    ...lines,
    ...(note ? [`\n${escapeMarkdown(note)}`] : []),
  ].join('\n')
}
