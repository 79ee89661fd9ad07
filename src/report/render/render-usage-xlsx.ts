import { wallTimeOf } from '../../time/calendar.ts'
import type { CalendarUnit } from '../../time/calendar.ts'
import { axesOf, nameOfAxis } from '../usage/axes.ts'
import { dataColumnsOf } from './data-table.ts'
import type { DataColumn } from './data-table.ts'
import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import type { CsvValue, Decimal } from './render-csv.ts'
import type { ReportGroup, UsageReport } from '../usage/usage-report.ts'

const TIME_FORMATS = {
  hour: 'yyyy-mm-dd hh:mm',
  day: 'yyyy-mm-dd',
  week: 'yyyy-mm-dd',
  month: 'yyyy-mm',
} as const satisfies Record<CalendarUnit, string>
type SheetValue = Exclude<CsvValue, bigint | Decimal>

/** Width in characters: enough for a time and most names. */
const COLUMN_WIDTH = 18

/**
 * The groups of a report's first section as an Excel workbook, in pieces, so that memory does not grow with its lines.
 * Numbers are numbers, times are dates. Text is always text, so a spreadsheet never treats it as a formula. Characters
 * that XML cannot contain are shown as in a terminal.
 */
export async function renderUsageXlsx(report: UsageReport): Promise<AsyncIterable<Uint8Array>> {
  const { writeXlsxStream } = await import('hucre/xlsx')
  const [section = { by: [], groupCount: 0, groups: [] }] = report.sections
  const columns = dataColumnsOf(report, section)
  return writeXlsxStream(linesOf(columns, section.groups, report.period.timeZone), {
    name: report.report === 'invoice' ? 'invoice' : axesOf(section.by).map(nameOfAxis).join(' '),
    columns: columns.map(({ name, time }) => ({
      header: name,
      width: COLUMN_WIDTH,
      numFmt: time ? TIME_FORMATS[time.unit] : 'General',
    })),
  })
}

function* linesOf(
  columns: readonly DataColumn[],
  groups: readonly ReportGroup[],
  timeZone: string,
): Generator<SheetValue[]> {
  for (const group of groups) yield columns.map((column) => cellOf(column, group, timeZone))
}

function cellOf({ read, time }: DataColumn, group: ReportGroup, timeZone: string): SheetValue {
  const value = read(group)
  if (typeof value === 'string') return escapeTerminal(value)
  // a sheet rounds larger numbers
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Date) return time?.isLocal ? asUtc(value, timeZone) : value
  // a sheet adds up numbers only; below 2^53 minor units it has each exactly as it is shown
  return typeof value === 'object' && value !== null ? Number(value.decimal) : value
}

/** The instant at which UTC clocks show the local time of a time zone: a sheet has no time zones. */
function asUtc(instant: Date, timeZone: string): Date {
  const { year, month, day, hour, minute, second } = wallTimeOf(instant, timeZone)
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second))
}
