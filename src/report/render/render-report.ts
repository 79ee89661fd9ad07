import { formatInstant } from '../../time/calendar.ts'
import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { cutText, widthOf } from '../../terminal/fit-text.ts'
import { amountOf, nameOfAmount } from '../usage/amount.ts'
import {
  countOf,
  formatChange,
  formatCount,
  formatDuration,
  formatShare,
} from '../../terminal/format-number.ts'
import { formatDay } from '../../time/format-date.ts'
import { renderChart } from './render-chart.ts'
import { renderTable } from './render-table.ts'
import { paint, wrap } from '../../terminal/screen.ts'
import type { Screen } from '../../terminal/screen.ts'
import { tablesOf } from './tables-of-report.ts'
import { hasLines } from '../usage/usage-report.ts'
import type { Measures, UsageReport } from '../usage/usage-report.ts'
import { renderNotes } from './render-notes.ts'

/** The parts of a heading besides the period. */
export interface ReportHeading {
  /** `Usage by key of acme`. */
  readonly title: string
  /** The database, as `describeDatabaseUrl` names it. */
  readonly databaseLabel: string
  /** Absolute. */
  readonly dataDir: string
  /** Which keys it is about, where it is about the line of a key. */
  readonly line?: string | undefined
}

/** A whole report for a terminal. */
export function renderReport(report: UsageReport, heading: ReportHeading, screen: Screen): string {
  const { timeZone, text } = report.period
  const parts = [renderHeading(heading, text, screen)]
  parts.push(renderTotal(report, screen))
  if (report.report === 'overview' && report.series)
    parts.push(renderChart(report.series, screen, timeZone, report.unit))
  if (hasLines(report)) {
    for (const table of tablesOf(report)) parts.push(renderTable(table, screen, timeZone))
  }
  parts.push(...renderNotes(report.notes, screen))
  return parts.filter(Boolean).join('\n')
}

/** A title is cut to leave room for its period, but never below this many characters. */
const LEAST_TITLE = 16

/** The title with a first fact (the period), the keys of a line, and the source of the numbers. */
export function renderHeading(
  { title, databaseLabel, dataDir, line }: ReportHeading,
  fact: string,
  screen: Screen,
): string {
  const [shown, about] = [escapeTerminal(title), ` · ${escapeTerminal(fact)}`]
  const room = (screen.width ?? Number.POSITIVE_INFINITY) - widthOf(about)
  const first = wrap(cutText(shown, Math.max(LEAST_TITLE, room)) + about, screen)
  const where = [
    databaseLabel,
    ...(databaseLabel.startsWith(`SQLite ${dataDir}/`) ? [] : [`data folder ${dataDir}`]),
  ]
  const second = wrap(escapeTerminal(where.join(' · ')), screen)
  const keys = line === undefined ? '' : `${wrap(escapeTerminal(line), screen)}\n`
  return `${paint('bold', first, screen)}\n${keys}${paint('dim', second, screen)}\n`
}

/** What a report says before its tables; empty when they say all. */
export function renderTotal(report: UsageReport, screen: Screen): string {
  if (report.report === 'overview') return renderSummary(report, screen)
  const isCompared = report.previous && !report.previous.historyBegins
  const none = hasLines(report) ? '' : `No ${nameOfAmount(report.unit)} in this period.\n`
  return [isCompared ? renderComparison(report, screen) : '', none].filter(Boolean).join('\n')
}

function renderSummary(report: UsageReport, screen: Screen): string {
  const { total, activeKeys = 0, activeEndpoints = 0, unit } = report
  const compared = compareTotal(report)
  const parts = [
    wrap(
      `${paint('bold', formatCount(amountOf(total)), screen)} ${nameOfAmount(unit, amountOf(total))}${compared && ` (${compared})`}`,
      screen,
    ),
    [
      ...(unit === undefined ? [] : [countOf(total.requests, 'request')]),
      countOf(activeKeys, 'key'),
      countOf(activeEndpoints, 'endpoint'),
      `${formatShare(total.errorRate)} errors`,
      `${formatCount(total.rejected)} rejected`,
    ].join(' · '),
    ...summariseDurations(total),
  ]
  return `${parts.join('\n')}\n`
}

function renderComparison(report: UsageReport, screen: Screen): string {
  const amount = amountOf(report.total)
  return `${wrap(`${formatCount(amount)} ${nameOfAmount(report.unit, amount)}, ${compareTotal(report)}`, screen)}\n`
}

/** `+80.6% against 1,000 from 2026-09-01 00:00 to 2026-10-01 00:00`; empty without a previous period. */
export function compareTotal({ total, previous, period: { timeZone } }: UsageReport): string {
  if (!previous) return ''
  if (previous.historyBegins) return `history begins on ${formatDay(previous.historyBegins, timeZone)}`
  const [from, to] = [previous.since, previous.until].map((time) => formatInstant(time, timeZone))
  const { previousRequests = 0, previousQuantity, change = null } = total
  if (change === null) return `none from ${from} to ${to}`
  return `${formatChange(change)} against ${formatCount(previousQuantity ?? previousRequests)} from ${from} to ${to}`
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
