import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { formatCell } from './format-cell.ts'
import type { ReportHeading } from './render-report.ts'
import { isNumeric } from './report-table.ts'
import type { ReportTable } from './report-table.ts'

/** A page of Markdown: a heading, a list of facts with the source of the numbers, and its parts. */
export function renderMarkdownPage(
  { title, databaseLabel, dataDir }: ReportHeading,
  facts: readonly string[],
  notes: readonly string[],
  parts: readonly string[],
): string {
  const lines = [...facts, `Database: ${databaseLabel}`, `Data folder: ${dataDir}`, ...notes]
  const list = lines.map((line) => `- ${escapeMarkdown(line)}`).join('\n')
  return `${[`## ${escapeMarkdown(title)}`, list, ...parts].join('\n\n')}\n`
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
