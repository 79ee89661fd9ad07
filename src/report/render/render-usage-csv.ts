import { formatInstant } from '../../time/calendar.ts'
import { dataColumnsOf } from './data-table.ts'
import type { DataColumn } from './data-table.ts'
import { renderCsv } from './render-csv.ts'
import type { CsvSeparator, CsvValue } from './render-csv.ts'
import type { ReportGroup, UsageReport } from '../usage/usage-report.ts'

/**
 * The groups of a report as CSV: a line of names, then one line per group with plain numbers and UTC times, for any
 * number of dimensions. In a time zone other than UTC each time has a second column with local time.
 */
export function renderUsageCsv(report: UsageReport, separator?: CsvSeparator): string {
  const { timeZone } = report.period
  const tables = report.sections.map((section) => {
    const columns = dataColumnsOf(report, section)
    const lines = section.groups.map((group) => columns.map((column) => valueOf(column, group, timeZone)))
    return renderCsv([columns.map(({ name }) => name), ...lines], separator)
  })
  return tables.join('\r\n')
}

function valueOf({ read, time }: DataColumn, group: ReportGroup, timeZone: string): CsvValue {
  const value = read(group)
  return time?.isLocal && value instanceof Date ? formatInstant(value, timeZone, time.unit) : value
}
