import { renderHtml } from './render-html.ts'
import { renderJson } from './render-json.ts'
import { renderUsageMarkdown } from './render-usage-markdown.ts'
import { renderReport } from './render-report.ts'
import { renderUsageCsv } from './render-usage-csv.ts'
import type { CsvSeparator } from './render-csv.ts'
import type { ReportFormat } from '../question/report-flags.ts'
import { toReportJson } from '../usage/run-report.ts'
import type { HeadedReport } from '../usage/run-report.ts'
import type { Screen } from '../../terminal/screen.ts'

/** Renders a report in a text format. */
export function renderReportAs(
  format: Exclude<ReportFormat, 'xlsx'>,
  headed: HeadedReport,
  screen: Screen,
  separator?: CsvSeparator,
): string {
  const { report, heading } = headed
  if (format === 'csv') return renderUsageCsv(report, separator)
  if (format === 'json') return renderJson(toReportJson(headed))
  if (format === 'markdown') return renderUsageMarkdown(report, heading)
  if (format === 'html') return renderHtml(report, heading)
  return renderReport(report, heading, screen)
}
