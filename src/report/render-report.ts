import { escapeTerminal } from './escape-terminal.ts'
import { formatChange, formatCount, formatDuration, formatShare } from './format-cell.ts'
import { renderChart } from './render-chart.ts'
import { paint, renderTable, wrap } from './render-table.ts'
import type { Screen } from './render-table.ts'
import { tablesOf } from './report-table.ts'
import type { Measures, UsageReport } from './usage-report.ts'

/** What a heading says besides the period. */
export interface ReportHeading {
  /** `Usage by key of acme`. */
  readonly title: string
  /** The database as `describeDatabaseUrl` names it. */
  readonly place: string
  /** Absolute. */
  readonly dataDir: string
}

/** A whole report for a terminal. */
export function renderReport(report: UsageReport, heading: ReportHeading, screen: Screen): string {
  const { timeZone } = report.period
  const parts = [renderHeading(heading, ['Period', report.period.text], screen)]
  if (report.report === 'overview') parts.push(renderSummary(report, screen))
  if (report.report === 'overview' && report.series) parts.push(renderChart(report.series, screen, timeZone))
  if (report.total.requests > 0) {
    for (const table of tablesOf(report)) parts.push(renderTable(table, screen, timeZone))
  } else if (report.report !== 'overview') parts.push('No requests in this period.\n')
  for (const note of report.notes)
    parts.push(`${paint('yellow', wrap(`Note: ${escapeTerminal(note)}`, screen), screen)}\n`)
  return parts.filter(Boolean).join('\n')
}

/** Title, a first fact (the period), database, data folder. */
export function renderHeading(
  { title, place, dataDir }: ReportHeading,
  fact: readonly [name: string, value: string],
  screen: Screen,
): string {
  const facts = [fact, ['Database', place], ['Data dir', dataDir]] as const
  const lines = facts.map(([name, value]) =>
    paint('dim', `${name.padEnd(10)}${escapeTerminal(value)}`, screen),
  )
  return `${[paint('bold', wrap(escapeTerminal(title), screen), screen), ...lines].join('\n')}\n`
}

function renderSummary({ total, activeKeys = 0, activeEndpoints = 0 }: UsageReport, screen: Screen): string {
  const change =
    total.previousRequests === undefined || total.requests + total.previousRequests === 0
      ? ''
      : ` (${formatChange(total.change ?? null)} against ${formatCount(total.previousRequests)} in the period before)`
  const parts = [
    `${paint('bold', formatCount(total.requests), screen)} requests${change}`,
    [
      `${formatCount(activeKeys)} ${activeKeys === 1 ? 'key' : 'keys'}`,
      `${formatCount(activeEndpoints)} ${activeEndpoints === 1 ? 'endpoint' : 'endpoints'}`,
      `${formatShare(total.errorRate)} errors`,
      `${formatCount(total.rejected)} rejected`,
    ].join(' · '),
    ...summariseDurations(total),
  ]
  return `${parts.join('\n')}\n`
}

function summariseDurations({ meanDurationMs, p50Ms, p95Ms, p99Ms }: Measures): string[] {
  if (p50Ms === undefined || p50Ms === null) return []
  const durations = [
    ['mean', meanDurationMs],
    ['p50', p50Ms],
    ['p95', p95Ms],
    ['p99', p99Ms],
  ] as const
  return [durations.map(([name, ms]) => `${name} ${formatDuration(ms ?? 0)}`).join(' · ')]
}
