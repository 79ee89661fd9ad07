import { renderTable } from './render-table.ts'
import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { wrap } from '../../terminal/screen.ts'
import type { Screen } from '../../terminal/screen.ts'
import { renderCsv } from './render-csv.ts'
import type { CsvSeparator, CsvValue } from './render-csv.ts'
import { renderHtmlPage } from './render-html.ts'
import { renderJson } from './render-json.ts'
import { escapeMarkdown, renderMarkdownPage, renderMarkdownTable } from './render-markdown.ts'
import { renderHeading } from './render-report.ts'
import type { ReportTable } from './report-table.ts'
import type { ReportFormat } from '../question/report-flags.ts'
import { renderNotes } from './render-notes.ts'

/** A report that is a list: its tables for people, and its lines for programs. */
export interface ListReport {
  readonly title: string
  /** Of the sheet in a workbook, 31 characters at most. */
  readonly name: string
  /** The period, or up to when the figures are complete. */
  readonly fact: string
  readonly timeZone: string
  readonly databaseLabel: string
  readonly dataDir: string
  /** A sentence that says what is in the tables, or that there is nothing. */
  readonly summary: string
  readonly tables: readonly ReportTable[]
  /** The names of the columns in lines for programs. */
  readonly names: readonly string[]
  readonly lines: readonly (readonly CsvValue[])[]
  readonly notes: readonly string[]
  /** The data of `--json`, after the heading. */
  readonly data: object
}

/** Renders a list in a text format. */
export function renderList(
  list: ListReport,
  format: Exclude<ReportFormat, 'xlsx'>,
  screen: Screen,
  separator?: CsvSeparator,
): string {
  if (format === 'csv') return renderCsv([list.names, ...list.lines], separator)
  if (format === 'json') return renderJson(toListJson(list))
  if (format === 'markdown') return renderListMarkdown(list)
  if (format === 'html')
    return renderHtmlPage({ ...list, heading: renderHeading(list, list.fact, { colour: false }) })
  const parts = [
    renderHeading(list, list.fact, screen),
    `${wrap(escapeTerminal(list.summary), screen)}\n`,
    ...list.tables.map((table) => renderTable(table, screen, list.timeZone)),
    ...renderNotes(list.notes, screen),
  ]
  return parts.join('\n')
}

/** A list for `--json`: the heading's facts first. */
export function toListJson({ title, databaseLabel, dataDir, notes, data }: ListReport): object {
  return { title, database: databaseLabel, dataDir, ...data, notes }
}

/** The lines as an Excel workbook. */
export async function renderListXlsx({ name, names, lines }: ListReport): Promise<AsyncIterable<Uint8Array>> {
  const { writeXlsxStream } = await import('hucre/xlsx')
  return writeXlsxStream(
    lines.map((line) => line.map(toSheetValue)),
    {
      name,
      columns: names.map((header, column) => ({
        header,
        width: 18,
        numFmt: lines.some((line) => line[column] instanceof Date) ? 'yyyy-mm-dd hh:mm' : 'General',
      })),
    },
  )
}

function toSheetValue(value: CsvValue): string | number | boolean | Date | null {
  if (typeof value === 'string') return escapeTerminal(value)
  if (typeof value === 'bigint') return Number(value)
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  return Number(value.decimal)
}

function renderListMarkdown(list: ListReport): string {
  const tables = list.tables.map((table) => renderMarkdownTable(table, list.timeZone))
  return renderMarkdownPage(list, [list.fact], list.notes, [escapeMarkdown(list.summary), ...tables])
}
