import { isCalendarUnit } from '../time/calendar.ts'
import { buildInvoice } from './build-invoice.ts'
import { noteMissing, noteUndelivered } from './note-undelivered.ts'
import { parseDimensions, parseStatus } from './parse-filter.ts'
import { renderJson } from './render-json.ts'
import { renderMarkdown } from './render-markdown.ts'
import { renderReport } from './render-report.ts'
import type { ReportHeading } from './render-report.ts'
import type { Screen } from '../terminal/render-table.ts'
import { nameOfKey } from './report-table.ts'
import { slowestFirst } from './slowest-first.ts'
import { renderUsageCsv } from './render-usage-csv.ts'
import type { CsvSeparator } from './render-csv.ts'
import { atOneMoment } from './usage-source.ts'
import { buildReport } from './build-report.ts'
import { axesOf, nameOfAxis } from './axes.ts'
import type { ReportRequest } from './build-report.ts'
import type { UsageReport } from './usage-report.ts'
import { findUsage } from '../store/read/find-usage.ts'
import type { Database } from '../store/database/open-database.ts'
import { nameOfEndpoint } from '../store/read/usage-filter.ts'
import type { UsageDimension, UsageSort } from '../model/usage-query.ts'
import type { Place } from '../cli/base-command.ts'
import { checkInvoiceFlags, checkReportFlags, forPeople } from './check-report-flags.ts'
import { findFilter, requireKnownNames } from './find-filter.ts'
import type { FoundFilter } from './find-filter.ts'
import type { UsageFlags } from '../cli/usage-flags.ts'

/** The formats of a report. */
export type ReportFormat = 'table' | 'csv' | 'json' | 'markdown' | 'xlsx'

/** The flags of `report`, parsed. */
export interface ReportFlags extends UsageFlags {
  readonly by?: readonly string[] | undefined
  readonly sort?: string | undefined
  readonly limit?: number | undefined
  readonly compare?: string | undefined
  readonly billable?: readonly string[] | undefined
  readonly latency?: boolean | undefined
  readonly format: ReportFormat
  readonly 'csv-separator'?: CsvSeparator | undefined
  readonly out?: string | undefined
  readonly watch?: boolean | undefined
}

/** A report and its heading. */
export interface HeadedReport {
  readonly report: UsageReport
  readonly heading: ReportHeading
}

const DEFAULT_PERIOD = '30d'
const DEFAULT_LIMIT = 20
/** Of time more, because it has an order: 90 days are all shown. */
const DEFAULT_STEPS = 100
/** What `--sort` says, but for p95. */
export const SORTS: Record<string, UsageSort> = {
  requests: 'requests',
  errors: 'errors',
  'last-used': 'lastUsed',
  group: 'group',
}

/** Finds what the flags ask for. @throws WRONG_USAGE for what cannot be understood, found, or billed */
export async function readReport(db: Database, flags: ReportFlags, place: Place): Promise<HeadedReport> {
  const found = await findFilter(db, withDefaultPeriod(flags), place)
  const billable = flags.billable?.map(parseStatus)
  const by = billable ? undefined : groupingOf(flags, found)
  checkReportFlags(flags, by, found.period)
  const request = requestOf(flags, found, by)
  const report = await atOneMoment(db, (source) =>
    billable
      ? buildInvoice(source, { ...request, filter: { ...found.filter, status: billable } })
      : buildReport(source, request),
  )
  if (report.total.requests === 0) await requireKnownNames(db, found.filter)
  const notes = [
    ...report.notes,
    ...(await noteUndelivered(db, place.dataDir)),
    ...(billable ? await noteMissing(db) : []),
    ...(report.total.requests === 0 ? await noteEmpty(db) : []),
  ]
  const title = billable ? `Invoice lines of ${found.period.month}` : titleOf(found, by)
  const isTitled = !billable && !by
  return {
    report: { ...report, notes },
    heading: {
      title: title + filtersOf(isTitled ? { ...flags, owner: undefined } : flags, found),
      place: db.place,
      dataDir: place.dataDir,
    },
  }
}

/** Draws a report in a format that is text. */
export function renderAs(
  format: Exclude<ReportFormat, 'xlsx'>,
  { report, heading }: HeadedReport,
  screen: Screen,
  separator?: CsvSeparator,
): string {
  if (format === 'csv') return renderUsageCsv(report, separator)
  if (format === 'json') return renderJson(toReportJson({ report, heading }))
  if (format === 'markdown') return renderMarkdown(report, heading)
  return renderReport(report, heading, screen)
}

/** A report as `--json` gives it: the heading's facts first. */
export function toReportJson({ report, heading }: HeadedReport): object {
  const { report: kind, ...rest } = report
  return { report: kind, title: heading.title, database: heading.place, dataDir: heading.dataDir, ...rest }
}

function withDefaultPeriod(flags: ReportFlags): ReportFlags {
  if (flags.billable) checkInvoiceFlags(flags)
  const given = flags.since ?? flags.until ?? flags.month
  return given === undefined ? { ...flags, since: DEFAULT_PERIOD } : flags
}

/** What to group by: as asked, else what the filters leave open. */
function groupingOf(flags: ReportFlags, { filter, key, period }: FoundFilter): UsageDimension[] | undefined {
  const asked = parseDimensions(flags.by, forPeople(flags) ? 2 : 3)
  if (asked) return asked
  if (key && filter.endpoint !== undefined && flags.compare === undefined) {
    const days = ((period.until ?? period.now).getTime() - (period.since?.getTime() ?? 0)) / 86_400_000
    return [days <= 3 ? 'hour' : days <= 100 ? 'day' : 'month']
  }
  if (key) return ['method', 'endpoint']
  if (filter.endpoint !== undefined) return ['key']
  return flags.format === 'csv' || flags.format === 'xlsx' ? ['key'] : undefined
}

function requestOf(
  flags: ReportFlags,
  { period, filter }: FoundFilter,
  by: readonly UsageDimension[] | undefined,
): ReportRequest {
  const { sort, compare, billable, latency } = flags
  const most = flags.limit ?? (by && forPeople(flags) ? defaultLimit(by) : undefined)
  return {
    period,
    filter,
    ...(by && { by }),
    ...(sort && SORTS[sort] && { sort: SORTS[sort] }),
    ...(most !== undefined && { limit: most || Number.POSITIVE_INFINITY }),
    comparePrevious: compare !== undefined,
    withTrend: !billable && flags.format !== 'csv' && flags.format !== 'xlsx',
    ...(latency && { withLatency: true }),
    ...(sort === 'p95' && { choose: slowestFirst, isReordered: true }),
  }
}

function defaultLimit([first]: readonly UsageDimension[]): number {
  return first && isCalendarUnit(first) ? DEFAULT_STEPS : DEFAULT_LIMIT
}

function titleOf({ key, filter }: FoundFilter, by: readonly UsageDimension[] | undefined): string {
  const of = [
    key && nameOfKey(key),
    filter.endpoint && `${filter.method ?? ''} ${nameOfEndpoint(filter.endpoint)}`.trim(),
  ]
  const what = of.filter(Boolean).join(' on ')
  if (!by) return filter.owner === undefined ? 'Usage overview' : `Usage of customer ${filter.owner}`
  if (what && by.join() === 'method,endpoint') return `Endpoints of ${what}`
  if (filter.endpoint !== undefined && !key && by.join() === 'key') return `Who calls ${what}`
  return `Usage${what && ` of ${what}`} by ${axesOf(by).map(nameOfAxis).join(' and ')}`
}

function filtersOf({ owner, status, billable, method }: ReportFlags, { filter }: FoundFilter): string {
  const filters = [
    owner !== undefined && `owner ${owner}`,
    method !== undefined && filter.endpoint === undefined && `method ${filter.method}`,
    status && `status ${status.join(', ')}`,
    billable && `status ${billable.join(', ')}`,
  ].filter(Boolean)
  return filters.length > 0 ? ` (${filters.join('; ')})` : ''
}

async function noteEmpty(db: Database): Promise<string[]> {
  const [any] = await findUsage(db, {})
  return any
    ? [`Usage is stored from ${any.firstBucket.toISOString()} on: try another --since or --month.`]
    : [
        'The database is empty. Add app.use(apiKeyAnalytics()) to your app and send a request with an API key, or try "apikey-analytics demo".',
      ]
}
