import { formatCount } from '../../terminal/format-number.ts'
import { amountOf, titleOfAmount } from '../usage/amount.ts'
import type { UsageReport } from '../usage/usage-report.ts'
import { renderMarkdownPage, renderMarkdownTable } from './render-markdown.ts'
import { compareTotal } from './render-report.ts'
import type { ReportHeading } from './render-report.ts'
import { tablesOf } from './tables-of-report.ts'

/** A report as Markdown: one table per section. */
export function renderUsageMarkdown(report: UsageReport, heading: ReportHeading): string {
  const { period, total, notes, unit } = report
  const compared = compareTotal(report)
  const facts = [
    `Period: ${period.text}`,
    ...(heading.line === undefined ? [] : [heading.line]),
    ...(compared ? [`${titleOfAmount(unit)}: ${formatCount(amountOf(total))} (${compared})`] : []),
  ]
  const tables = tablesOf(report).map((table) => renderMarkdownTable(table, period.timeZone))
  return renderMarkdownPage(heading, facts, notes, tables)
}
