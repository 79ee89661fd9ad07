import { stringifyJson } from '../report/render-json.ts'
import { AnalyticsError } from '../model/errors.ts'
import type { ReportRequest } from '../report/build-report.ts'
import { findFilter } from '../report/find-filter.ts'
import type { FilterText, FoundFilter } from '../report/find-filter.ts'
import { findKey } from '../report/find-key.ts'
import { parseDimensions } from '../report/parse-filter.ts'
import { runReport, toReportJson } from '../report/run-report.ts'
import type { Period } from '../time/period.ts'
import { readAccount } from '../report/read-account.ts'
import { nameOfKey } from '../report/report-table.ts'
import { slowestFirst } from '../report/slowest-first.ts'
import { isMatrix } from '../report/axes.ts'
import { renderUsageCsv } from '../report/render-usage-csv.ts'
import { atOneMoment } from '../report/usage-source.ts'
import { readFindings, toFindingsJson } from '../security/read-findings.ts'
import { countWholeDays } from '../store/read/count-whole-days.ts'
import type { Database } from '../store/database/open-database.ts'
import type { UsageDimension } from '../model/usage-query.ts'
import type { UsageRow } from '../model/usage-row.ts'
import { readActivity } from './read-activity.ts'
import type { Activity } from './read-activity.ts'
import { DAY_MS } from '../time/units.ts'

/** One request to the API: `{ name: 'report', query: { by: 'key', since: '7d' } }`. */
export interface ApiRequest {
  readonly name: string
  readonly query: Readonly<Record<string, string | string[] | undefined>>
}

/** The answer of the API: the body as it is sent. */
export interface ApiAnswer {
  readonly status: number
  readonly type: 'json' | 'csv'
  readonly body: string
}

type Query = Readonly<Record<string, string | undefined>>
interface Api {
  readonly parameters: readonly string[]
  answer(db: Database, query: Query, dataDir: string): Promise<unknown>
}

const FILTER = ['key', 'endpoint', 'method', 'owner', 'status', 'since', 'until', 'month', 'tz']
const DEFAULT_PERIOD = '30d'
/** Ten years and some days: more than a database has hours for, and few enough to list. */
const MAX_DAYS = 3700
const HOUR_DAYS = 100
const DEFAULT_ROWS = 20
const MAX_ROWS = 1000
/** Findings are for days; the rules also read the weeks before. */
const SECURITY_DAYS = 31
const MAX_CSV_ROWS = 100_000
const SORTS = ['requests', 'errors', 'lastUsed', 'group', 'p95'] as const

/**
 * All requests of the API, by GET:
 * - `api/report`: the data of `report --json`. Parameters: those of the command (`key endpoint method owner status since
 *   until month tz by compare sort limit`), and `order=asc|desc`, `search`, `offset` for lists in pages, `format=csv`.
 *   `latency=1` adds what `--latency` adds, and takes seconds over tens of millions of rows; `sort=p95` needs it.
 * - `api/activity`: requests over time by status class, the previous period, and a heat map of hours and weekdays.
 * - `api/key?key=ID`: one key with its first and last use.
 * - `api/security`: the data of `security --json`. Parameters: `since until` (default: the last 24 hours).
 * - `api/verify`: the data of `verify --json`.
 */
export const API: Readonly<Record<string, Api>> = {
  report: {
    parameters: [
      ...FILTER,
      'by',
      'latency',
      'compare',
      'sort',
      'order',
      'search',
      'limit',
      'offset',
      'format',
    ],
    answer: answerReport,
  },
  activity: { parameters: FILTER, answer: answerActivity },
  key: { parameters: ['key'], answer: (db, { key = '' }) => findKey(db, key) },
  security: { parameters: ['since', 'until'], answer: answerSecurity },
  verify: { parameters: [], answer: (db, _query, dataDir) => readAccount(db, dataDir) },
}

/** Answers one request. Errors are answers too: `{ error: { code, message } }`. */
export async function answerApi(
  open: () => Promise<Database>,
  { name, query }: ApiRequest,
  dataDir: string,
): Promise<ApiAnswer> {
  try {
    const api = Object.hasOwn(API, name) ? API[name] : undefined
    if (!api) return refuse(404, 'NOT_FOUND', `There is no api/${name}. Use ${Object.keys(API).join(', ')}.`)
    const known = readQuery(query, api.parameters)
    const found = await api.answer(await open(), known, dataDir)
    if (typeof found === 'string') return { status: 200, type: 'csv', body: found }
    return { status: 200, type: 'json', body: stringifyJson(found) }
  } catch (error) {
    return describeFailure(error)
  }
}

/** The answer for an error. */
export function refuse(status: number, code: string, message: string): ApiAnswer {
  return { status, type: 'json', body: JSON.stringify({ error: { code, message } }) }
}

function describeFailure(error: unknown): ApiAnswer {
  if (!(error instanceof AnalyticsError)) {
    return refuse(500, 'INTERNAL', 'The dashboard failed. See the log of its server.')
  }
  const wrong = ['WRONG_USAGE', 'OPTION_INVALID', 'ARGUMENT_INVALID'].includes(error.code)
  return refuse(wrong ? 400 : 503, error.code, error.message)
}

async function answerReport(db: Database, query: Query, dataDir: string): Promise<unknown> {
  const text = textOfQuery(query)
  const found = await readFilter(db, text)
  const by = readDimension(query, found.period)
  const csv = readChoice(query, 'format', ['csv', 'json']) === 'csv'
  const request = {
    ...readPage(query, csv),
    ...(by && { by }),
    comparePrevious: readChoice(query, 'compare', ['previous']) !== undefined,
    withTrend: !csv,
    withLatency: readChoice(query, 'latency', ['1']) !== undefined,
  }
  const report = await runReport(db, { text, found, request }, dataDir)
  return csv ? renderUsageCsv(report.report) : toReportJson(report)
}

async function answerActivity(db: Database, query: Query): Promise<Activity> {
  const { period, filter } = await readFilter(db, textOfQuery(query))
  return atOneMoment(db, (source, snapshot) =>
    readActivity(
      { ...source, countWholeDays: (whole) => countWholeDays(snapshot, whole) },
      { period, filter },
    ),
  )
}

async function answerSecurity(
  db: Database,
  { since = '24h', until }: Query,
  dataDir: string,
): Promise<object> {
  return toFindingsJson(await readFindings(db, { since, until }, dataDir, { maxDays: SECURITY_DAYS }))
}

/** Which groups of a section are shown, and in what order. */
function readPage(query: Query, csv: boolean): Partial<ReportRequest> {
  const cut = query['limit'] ?? query['offset']
  if (csv && cut !== undefined) throw wrongUsage('format=csv has all lines: leave limit and offset out.')
  const sort = readChoice(query, 'sort', SORTS)
  if (sort === 'p95' && query['latency'] === undefined) throw wrongUsage('sort=p95 needs latency=1.')
  const order = readChoice(query, 'order', ['asc', 'desc'])
  // By default groups are in their own order, or the most used first.
  const reversed = order !== undefined && order !== (sort === 'group' ? 'asc' : 'desc')
  const search = query['search']?.toLowerCase()
  const choose = (rows: readonly UsageRow[]) => {
    const sorted = sort === 'p95' ? slowestFirst(rows) : rows
    const found = search ? sorted.filter((row) => textOf(row).toLowerCase().includes(search)) : sorted
    return reversed ? found.toReversed() : found
  }
  // an overview has its own number of groups
  const given = query['limit'] ?? (query['by'] ? String(DEFAULT_ROWS) : undefined)
  return {
    ...(sort && sort !== 'p95' && { sort }),
    ...(csv
      ? { limit: MAX_CSV_ROWS }
      : given !== undefined && { limit: readCount('limit', given, 1, MAX_ROWS) }),
    offset: csv ? 0 : readCount('offset', query['offset'] ?? '0', 0, 1_000_000),
    choose,
    isReordered: reversed || sort === 'p95',
  }
}

/** The text of a group that a search looks at. */
function textOf({ key, method, endpoint, status, owner }: UsageRow): string {
  const names = key ? [nameOfKey(key), key.owner, key.id] : [method, endpoint, owner]
  return [...names, status].filter((part) => part !== undefined && part !== null).join(' ')
}

function textOfQuery({ key, endpoint, method, owner, status, since, until, month, tz }: Query): FilterText {
  const start = since ?? (month === undefined ? DEFAULT_PERIOD : undefined)
  return { key, endpoint, method, owner, status: status?.split(','), since: start, until, month, tz }
}

async function readFilter(db: Database, text: FilterText): Promise<FoundFilter> {
  const found = await findFilter(db, text)
  requireDays(found.period, MAX_DAYS, 'a report')
  return found
}

function readDimension({ by: text }: Query, period: Period): UsageDimension[] | undefined {
  const by = parseDimensions(text?.split(','))
  if (by && isMatrix(by)) throw wrongUsage('Here a report has one dimension.')
  if (by?.[0] === 'hour') requireDays(period, HOUR_DAYS, 'by hour')
  return by
}

function requireDays({ since, until, now }: Period, days: number, what: string): void {
  const length = (until ?? now).getTime() - (since?.getTime() ?? 0)
  if (length > days * DAY_MS) throw wrongUsage(`The period is too long for ${what}: at most ${days} days.`)
}

/** Each parameter once. Unknown ones are refused, because they would be silently ignored. */
function readQuery(query: ApiRequest['query'], parameters: readonly string[]): Query {
  for (const [name, value] of Object.entries(query)) {
    if (!parameters.includes(name)) {
      throw wrongUsage(`Unknown parameter ${JSON.stringify(name)}. Use ${parameters.join(', ') || 'none'}.`)
    }
    if (Array.isArray(value)) throw wrongUsage(`Pass ${name} once.`)
  }
  return query as Query
}

function readChoice<T extends string>(query: Query, name: string, choices: readonly T[]): T | undefined {
  const value = query[name]
  if (value === undefined || (choices as readonly string[]).includes(value)) return value as T | undefined
  throw wrongUsage(`Cannot read ${name}=${JSON.stringify(value)}. Use ${choices.join(' or ')}.`)
}

function readCount(name: string, text: string, least: number, most: number): number {
  const count = Number(text)
  if (/^\d{1,9}$/.test(text) && count >= least && count <= most) return count
  throw wrongUsage(`Cannot read ${name}=${JSON.stringify(text)}. Use ${least} to ${most}.`)
}

function wrongUsage(message: string): AnalyticsError {
  return new AnalyticsError('WRONG_USAGE', message)
}
