import { isCalendarUnit } from '../../time/calendar.ts'
import { formatDay } from '../../time/format-date.ts'
import { DAY_MS } from '../../time/units.ts'
import { checkInvoiceFlags, checkReportFlags, forPeople } from '../question/check-report-flags.ts'
import { findFilter, requireKnownNames } from '../question/find-filter.ts'
import type { FoundFilter } from '../question/find-filter.ts'
import type { SecretInput } from '../question/find-key.ts'
import { parseDimensions } from '../question/parse-filter.ts'
import type { Pricing } from './pricing.ts'
import type { ReportFlags } from '../question/report-flags.ts'
import type { ReportRequest } from './build-report.ts'
import { nameOfAmount } from './amount.ts'
import { hasLines } from './usage-report.ts'
import { requireUnit } from '../question/require-unit.ts'
import { runReport } from './run-report.ts'
import type { HeadedReport } from './run-report.ts'
import { slowestFirst } from './slowest-first.ts'
import type { UsageDimension, UsageSort } from '../../model/usage-query.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findHistoryStart } from '../../store/read/find-history-start.ts'

const DEFAULT_PERIOD = '30d'
const DEFAULT_LIMIT = 20
/** More for groups of time, because they have an order: 90 days are all shown. */
const DEFAULT_STEPS = 100
/** The sorts of `--sort` except p95. */
export const SORTS: Record<string, UsageSort> = {
  requests: 'requests',
  quantity: 'quantity',
  errors: 'errors',
  'last-used': 'lastUsed',
  group: 'group',
}

/** Builds the report that the flags ask for. @throws WRONG_USAGE for what cannot be parsed, found, or billed */
export async function readReport(
  db: Database,
  flags: ReportFlags,
  { dataDir, ...secretInput }: SecretInput & { readonly dataDir: string },
  pricing?: Pricing,
): Promise<HeadedReport> {
  const text = withDefaultPeriod(flags)
  const found = await findFilter(db, text, secretInput)
  const { billable } = flags
  const by = billable ? undefined : groupingOf(flags, found)
  checkReportFlags(flags, by, found.period)
  if (flags.unit !== undefined) await requireUnit(db, flags.unit)
  const headed = await runReport(
    db,
    { text, found, request: requestOf(flags, by), billable, pricing },
    dataDir,
  )
  const { report } = headed
  if (hasLines(report)) return headed
  await requireKnownNames(db, found.filter)
  return {
    ...headed,
    report: {
      ...report,
      notes: [...report.notes, ...(await noteEmpty(db, found, flags.unit))],
    },
  }
}

function withDefaultPeriod(flags: ReportFlags): ReportFlags {
  if (flags.billable || flags.prices !== undefined) checkInvoiceFlags(flags)
  const given = flags.since ?? flags.until ?? flags.month
  return given === undefined ? { ...flags, since: DEFAULT_PERIOD } : flags
}

/** The dimensions to group by: from the flags, else those that the filters leave open. */
function groupingOf(flags: ReportFlags, { filter, key, period }: FoundFilter): UsageDimension[] | undefined {
  const asked = parseDimensions(flags.by, forPeople(flags) ? 2 : 3)
  if (asked) return asked
  if (key && filter.endpoint !== undefined && flags.compare === undefined) {
    const days = ((period.until ?? period.now).getTime() - (period.since?.getTime() ?? 0)) / DAY_MS
    return [days <= 3 ? 'hour' : days <= 100 ? 'day' : 'month']
  }
  if (key) return ['method', 'endpoint']
  if (filter.endpoint !== undefined) return ['key']
  return flags.format === 'csv' || flags.format === 'xlsx' ? ['key'] : undefined
}

function requestOf(
  flags: ReportFlags,
  by: readonly UsageDimension[] | undefined,
): Omit<ReportRequest, 'period' | 'filter'> {
  const { sort, compare, billable, latency, unit } = flags
  const most = flags.limit ?? (by || flags.owner !== undefined ? defaultLimit(flags, by) : undefined)
  return {
    by,
    unit,
    sort: sort === undefined ? undefined : SORTS[sort],
    limit: most === 0 ? Number.POSITIVE_INFINITY : most,
    comparePrevious: compare !== undefined,
    withTrend: !billable && flags.format !== 'csv' && flags.format !== 'xlsx',
    withLatency: latency,
    choose: sort === 'p95' ? slowestFirst : undefined,
    isReordered: sort === 'p95',
  }
}

/** Overviews of everybody have a limit of their own. */
function defaultLimit(flags: ReportFlags, [first]: readonly UsageDimension[] = []): number {
  if (!forPeople(flags)) return Number.POSITIVE_INFINITY
  return first && isCalendarUnit(first) ? DEFAULT_STEPS : DEFAULT_LIMIT
}

/** Why there is nothing, where that is not obvious. */
async function noteEmpty(
  db: Database,
  { filter, period: { until, timeZone } }: FoundFilter,
  unit: string | undefined,
): Promise<string[]> {
  const first = await findHistoryStart(db, unit)
  if (!first) {
    return [
      'The database is empty. Add app.use(apiKeyAnalytics()) to your app and send a request with an API key, or try "apikey-analytics demo".',
    ]
  }
  if (until && until <= first) {
    const history = unit === undefined ? 'History' : `History of ${unit}`
    return [`${history} begins on ${formatDay(first, timeZone)}: try another --since or --month.`]
  }
  const { endpoint, method, keyIds, owner, status } = filter
  const isFiltered = [endpoint, method, keyIds, owner, status].some((value) => value !== undefined)
  return isFiltered ? [`No ${nameOfAmount(unit)} of this period match the filters.`] : []
}
