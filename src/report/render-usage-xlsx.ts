import type { Row, Sheet } from 'write-excel-file/node'
import { wallTimeOf } from '../calendar.ts'
import { AnalyticsError } from '../errors.ts'
import { nameOfAxis, axesOf } from './axes.ts'
import { escapeTerminal } from './escape-terminal.ts'
import { dataColumnsOf } from './data-table.ts'
import type { DataColumn } from './data-table.ts'
import type { CsvValue } from './render-csv.ts'
import type { ReportGroup, ReportSection, UsageReport } from './usage-report.ts'

/** A workbook is made in memory, about 1 kB a line; Excel itself reads a million lines. */
const MAX_LINES = 100_000
const TIME_FORMAT = 'yyyy-mm-dd hh:mm'
const LOCAL_FORMATS = { hour: TIME_FORMAT, day: 'yyyy-mm-dd', week: 'yyyy-mm-dd', month: 'yyyy-mm' } as const
/** Characters: a time fits, and most names. */
const COLUMN_WIDTH = 18

/**
 * The groups of a report as an Excel workbook, a sheet per section: numbers are numbers, times are dates. Text is text,
 * so that nothing in it is taken for a formula; what XML cannot hold is shown as in a terminal.
 * @throws WRONG_USAGE for more lines than fit into memory
 */
export async function renderUsageXlsx(report: UsageReport): Promise<Buffer> {
  const lines = report.sections.reduce((sum, { groups }) => sum + groups.length, 0)
  if (lines > MAX_LINES) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `${lines.toLocaleString('en-US')} lines are too many for xlsx, which has at most ${MAX_LINES.toLocaleString('en-US')} here. Use --format csv or --limit.`,
    )
  }
  const { default: writeExcelFile } = await import('write-excel-file/node')
  return writeExcelFile(report.sections.map((section) => sheetOf(report, section))).toBuffer()
}

function sheetOf(report: UsageReport, section: ReportSection): Sheet<never> {
  const columns = dataColumnsOf(report, section)
  const rows = section.groups.map((group): Row => columns.map((column) => cellOf(column, group, report)))
  return {
    sheet: report.report === 'invoice' ? 'invoice' : axesOf(section.by).map(nameOfAxis).join(' '),
    columns: columns.map(() => ({ width: COLUMN_WIDTH })),
    data: [columns.map(({ name }) => ({ value: name, type: String, fontWeight: 'bold' })), ...rows],
  }
}

function cellOf({ read, local }: DataColumn, group: ReportGroup, { period }: UsageReport): Row[number] {
  const value: CsvValue = read(group)
  if (value === null) return null
  if (typeof value === 'string') return { value: escapeTerminal(value), type: String }
  if (typeof value === 'number') return { value, type: Number }
  if (typeof value === 'boolean') return { value, type: Boolean }
  if (!local) return { value, type: Date, format: TIME_FORMAT }
  return { value: asUtc(value, period.timeZone), type: Date, format: LOCAL_FORMATS[local] }
}

/** The instant at which clocks in UTC show what they show in a time zone: a sheet has no time zones. */
function asUtc(instant: Date, timeZone: string): Date {
  const { year, month, day, hour, minute, second } = wallTimeOf(instant, timeZone)
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second))
}
