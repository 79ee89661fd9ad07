import { isCalendarUnit } from '../../time/calendar.ts'
import { AnalyticsError } from '../../model/errors.ts'
import type { UsageDimension, UsageFilter, UsageQuery, UsageSort } from '../../model/usage-query.ts'
import type { RowSum, StraddlingRows, UsageRow } from '../../model/usage-row.ts'
import { buildSection } from './build-section.ts'
import { buildSeries, chooseUnit, findSteps } from './build-series.ts'
import { countKeys, measureUsage, sumUp } from './measure-usage.ts'
import type { Total } from './measure-usage.ts'
import { amountOf, amountOfRow, nameOfAmount } from './amount.ts'
import { countOf, formatCount } from '../../terminal/format-number.ts'
import { noteUnfinished } from '../notes/note-unfinished.ts'
import type { Period } from '../../time/period.ts'
import { previousPeriod } from '../../time/previous-period.ts'
import { noteHistory, toReportedPeriod, toReportedPrevious } from './reported-period.ts'
import type { ReportedPrevious, UsageReport } from './usage-report.ts'

/** The source of a report's numbers. */
export interface UsageSource {
  findUsage(query: UsageQuery): Promise<UsageRow[]>
  /** Stored rows that a border of the query cuts; their requests cannot be separated. */
  findStraddlingRows(query: UsageQuery): Promise<StraddlingRows>
  /** The start of the very first bucket, or of the first one with a unit; undefined when nothing was ever counted. */
  findHistoryStart(unit?: string): Promise<Date | undefined>
}

/** What to report. */
export interface ReportRequest {
  readonly period: Period
  readonly filter?: Omit<UsageFilter, 'since' | 'until'> | undefined
  /** What to count instead of requests. */
  readonly unit?: string | undefined
  /** One list of dimensions per section; without it, an overview. */
  readonly by?: readonly UsageDimension[] | undefined
  readonly sort?: UsageSort | undefined
  /** Most groups to show; totals and shares always include all. Default: all, and 10 in an overview. */
  readonly limit?: number | undefined
  /** Groups to skip before those shown, for a list in pages. */
  readonly offset?: number | undefined
  /**
   * Selects and sorts the groups of a section, before `offset` and `limit`. Totals and shares still include all groups.
   */
  readonly choose?: ((rows: readonly UsageRow[]) => readonly UsageRow[]) | undefined
  /** True when the order of `choose` is not that of `sort`. */
  readonly isReordered?: boolean | undefined
  /** Adds the previous period to totals and groups. The total of an overview always has it. */
  readonly comparePrevious?: boolean | undefined
  /** Adds a series to each group that is shown. An overview always has them. */
  readonly withTrend?: boolean | undefined
  /** Adds to the total and to each group how long its requests took. */
  readonly withLatency?: boolean | undefined
}

const OVERVIEW_GROUPS = 10
const OVERVIEW: readonly (readonly UsageDimension[])[] = [['owner'], ['key'], ['method', 'endpoint']]
const OVERVIEW_OF_OWNER: typeof OVERVIEW = [['key'], ['method', 'endpoint'], ['status']]

/** Builds one report: one statement per section and one for the previous period. */
export async function buildReport(source: UsageSource, request: ReportRequest): Promise<UsageReport> {
  const { period, by, unit } = request
  if (request.comparePrevious) requireComparable(by)
  const sections = by ? [by] : request.filter?.owner === undefined ? OVERVIEW : OVERVIEW_OF_OWNER
  const withTrend = !by || (request.withTrend && !by.some(isCalendarUnit))
  const query = queryOf(request, period)
  const start = period.since ?? (withTrend ? await findFirstBucket(source, query) : undefined) ?? period.now
  const step = chooseUnit(start, period)
  const found = await findSections(source, sections, {
    ...query,
    sort: request.sort,
    trend: withTrend ? step : undefined,
    latency: request.withLatency,
  })
  const previous = await findPrevious(source, request, sections)
  const total = sumUp(found[0] ?? [], unit)
  const steps = withTrend ? findSteps(step, start, period, total.lastBucket) : []
  const isComparable = !previous?.reported.historyBegins
  return {
    report: by ? 'usage' : 'overview',
    unit,
    period: toReportedPeriod(period),
    previous: previous?.reported,
    total: measureUsage(total, previous && sumUp(previous.rows[0] ?? [], unit), isComparable),
    ...(!by && countActive(sections, found)),
    series: withTrend ? buildSeries(step, steps, found[0] ?? [], unit) : undefined,
    sections: sections.flatMap((dimensions, index) => {
      // without owners a list of owners would be empty
      if (!by && dimensions[0] === 'owner' && !found[index]?.some(({ owner }) => owner !== null)) return []
      return buildSection({
        by: dimensions,
        rows: request.choose?.(found[index] ?? []) ?? found[index] ?? [],
        offset: request.offset ?? 0,
        unit,
        total: amountOfRow(total),
        before: request.comparePrevious ? previous?.rows[index] : undefined,
        isComparable,
        limit: request.limit ?? (by ? Number.POSITIVE_INFINITY : OVERVIEW_GROUPS),
        keepNewest: isInOrderOfTime(request, dimensions),
        steps,
      })
    }),
    notes: [
      ...noteUnfinished(period, by, found[0]),
      ...(request.comparePrevious && previous ? noteHistory(previous.reported, period.timeZone) : []),
      ...(await noteCutRows(source, {
        ...query,
        by: by?.filter((name) => name === 'owner' || isCalendarUnit(name)) ?? [],
      })),
      ...noteUnmeasured(total),
    ],
  }
}

/** Whether groups are sorted oldest first: groups by time are, unless another order was asked for. */
function isInOrderOfTime(
  { sort = 'group', isReordered }: ReportRequest,
  by: readonly UsageDimension[],
): boolean {
  return !isReordered && sort === 'group' && by[0] !== undefined && isCalendarUnit(by[0])
}

/** @throws WRONG_USAGE for groups of time: each is a period of its own, and the previous period has none of them */
function requireComparable(by: readonly UsageDimension[] = []): void {
  const unit = by.find(isCalendarUnit)
  if (!unit) return
  throw new AnalyticsError(
    'WRONG_USAGE',
    `Each ${unit} is a period of its own: leave out either ${unit} or the comparison with the period before.`,
  )
}

async function findFirstBucket(source: UsageSource, query: UsageQuery): Promise<Date | undefined> {
  const [total] = await source.findUsage(query)
  return total?.firstBucket
}

/** One after the other: there is only one connection for one state of the database. */
async function findSections(
  source: UsageSource,
  sections: readonly (readonly UsageDimension[])[],
  query: UsageQuery,
): Promise<UsageRow[][]> {
  const found: UsageRow[][] = []
  for (const by of sections) found.push(await source.findUsage({ ...query, by }))
  return found
}

/** The previous period and its rows: every group if groups are compared, else only their total. */
async function findPrevious(
  source: UsageSource,
  request: ReportRequest,
  sections: readonly (readonly UsageDimension[])[],
): Promise<{ reported: ReportedPrevious; rows: UsageRow[][] } | undefined> {
  const previous = request.comparePrevious || !request.by ? previousPeriod(request.period) : undefined
  if (!previous) return undefined
  const query = queryOf(request, previous)
  const rows = await findSections(source, request.comparePrevious ? sections : [[]], query)
  return { reported: toReportedPrevious(previous, await source.findHistoryStart(request.unit)), rows }
}

async function noteCutRows(source: UsageSource, query: UsageQuery): Promise<string[]> {
  const { cutByOwners, ...cut } = await source.findStraddlingRows(query)
  return [
    ...noteCut(`A border in time zone ${query.timeZone}`, cut, 'where the row begins', query),
    ...(cutByOwners
      ? noteCut('A change of owner', cutByOwners, 'for the owner when the row begins', query)
      : []),
  ]
}

function noteCut(border: string, cut: RowSum, where: string, { unit }: UsageQuery): string[] {
  const { rows } = cut
  if (rows === 0) return []
  const [amount, them] = [amountOf(cut), rows === 1 ? 'it counts' : 'they count']
  return [
    `${border} cuts ${countOf(rows, 'stored row')} (${formatCount(amount)} ${nameOfAmount(unit, amount)}): ${them} ${where}.`,
  ]
}

function countActive(
  sections: readonly (readonly UsageDimension[])[],
  found: readonly UsageRow[][],
): Pick<UsageReport, 'activeKeys' | 'activeEndpoints'> {
  const rowsOf = (dimension: UsageDimension) =>
    found[sections.findIndex(([first]) => first === dimension)] ?? []
  return { activeKeys: countKeys(rowsOf('key')), activeEndpoints: rowsOf('method').length }
}

function noteUnmeasured({ requestCount, latency }: Total): string[] {
  const unmeasured = requestCount - (latency?.measuredCount ?? 0)
  if (latency === undefined || unmeasured === 0) return []
  return [
    `The duration of ${formatCount(unmeasured)} of ${countOf(requestCount, 'request')} was not measured: p50, p95 and p99 are those of the others.`,
  ]
}

/** The part of a query that selects rows, and what is counted of them. */
export function queryOf(
  { filter, unit }: Pick<ReportRequest, 'filter' | 'unit'>,
  { since, until, timeZone }: Period,
): UsageQuery {
  return { ...filter, since, until, timeZone, ...(unit !== undefined && { unit }) }
}
