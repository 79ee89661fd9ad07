import { readAlertList } from '../alerts/read-alert-list.ts'
import { toAlertsJson } from '../alerts/render-alerts.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { AnalyticsError } from '../model/errors.ts'
import { findFilter, requireKnownNames } from '../report/question/find-filter.ts'
import type { FilterText, FoundFilter } from '../report/question/find-filter.ts'
import { findKey } from '../report/question/find-key.ts'
import { readLine } from '../report/question/line-of-key.ts'
import { parseDimensions } from '../report/question/parse-filter.ts'
import { runReport, toReportJson } from '../report/usage/run-report.ts'
import type { Period } from '../time/period.ts'
import { readAccount } from '../report/account/read-account.ts'
import { listCustomers } from '../report/customers/read-customers.ts'
import { renderCustomersCsv } from '../report/customers/render-customers.ts'
import { hasUsage } from '../report/usage/amount.ts'
import { isMatrix } from '../report/usage/axes.ts'
import { renderUsageCsv } from '../report/render/render-usage-csv.ts'
import { requireUnit } from '../report/question/require-unit.ts'
import { atOneMoment } from '../report/usage/usage-source.ts'
import { readFindings } from '../security/read-findings.ts'
import { toFindingsJson } from '../security/render-findings.ts'
import { findOwners } from '../store/keys/key-owners.ts'
import { countWholeDays } from '../store/read/count-whole-days.ts'
import type { Database } from '../store/database/open-database.ts'
import type { UsageDimension } from '../model/usage-query.ts'
import { readActivity } from './read-activity.ts'
import type { Activity } from './read-activity.ts'
import { DAY_MS } from '../time/units.ts'
import { LIST, readList } from './read-list.ts'
import { readQuotas } from './read-quotas.ts'
import { readRoutes } from './read-routes.ts'
import {
  answerStatement,
  answerStatementCustomers,
  answerStatements,
} from './statements/answer-statements.ts'
import { openStatementFile } from './statements/open-statement-file.ts'
import type { ApiFile } from './statements/open-statement-file.ts'
import { readChoice, readQuery, wrongUsage } from '../web/read-query.ts'
import type { Query } from '../web/read-query.ts'

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

interface Api {
  readonly parameters: readonly string[]
  answer(db: Database, query: Query, dataDir: string): Promise<unknown>
}

const FILTER = ['key', 'endpoint', 'method', 'owner', 'status', 'since', 'until', 'month', 'tz', 'links']
const PAGE = ['limit', 'offset']
const FILE = ['statement', 'format', 'owner']
const DEFAULT_PERIOD = '30d'
/** Ten years and some days: more than a database has hours for, and few enough to list. */
const MAX_DAYS = 3700
const HOUR_DAYS = 100
/** Findings are for days; the rules also read the weeks before. */
const SECURITY_DAYS = 31

/**
 * All requests of the API, by GET:
 * - `api/report`: the data of `report --json`. Parameters: those of the command (`key endpoint method owner status since
 *   until month tz by unit compare sort limit`; `sort=lastUsed` is `--sort last-used`), and `order=asc|desc`, `search`, `offset` for lists in pages, `format=csv`.
 *   `links=0` is `--no-links`; `links=parts` has all keys of the line of a `key`, each alone. `latency=1` adds what `--latency` adds, and takes seconds over tens of millions of rows; `sort=p95` needs it.
 * - `api/activity`: requests (or a `unit`) over time by status class, the previous period, and a heat map of hours and weekdays.
 * - `api/customers`: the data of `customers list --json`, with the filters and the parameters of a list of `api/report`.
 * - `api/key?key=ID`: one key with its first and last use, who owned it when, and the keys of its line.
 * - `api/security`: the data of `security --json`. Parameters: `since until` (default: the last 24 hours).
 * - `api/statements`: the statements of closed periods, the latest first; `owner` for those of one customer. Lists in pages:
 *   `limit offset`.
 * - `api/statement?statement=7`: one statement with a page of its lines. Parameters: `owner kind=usage|correction limit offset`.
 * - `api/statement-customers?statement=7`: its customers. Parameters: `search limit offset`.
 * - `api/quotas`: the most used quotas, of all or of a `key` or an `owner`, as `quotas list --json` has them; `limit`.
 * - `api/routes`: the routes without a request in `days` complete days (30), and the deprecated ones; `endpoint`, `limit`.
 * - `api/alerts`: the data of `alerts list --json`. Parameter: `since` (default: the last 30 days).
 * - `api/verify`: the data of `verify --json`.
 * `openApiFile` has one more: `api/statement-file?statement=7&format=csv|json`, with `owner`: the bytes of `statements show`.
 */
const API: Readonly<Record<string, Api>> = {
  report: {
    parameters: [...FILTER, 'unit', 'by', ...LIST],
    answer: answerReport,
  },
  activity: { parameters: [...FILTER, 'unit'], answer: answerActivity },
  customers: { parameters: [...FILTER, 'unit', ...LIST], answer: answerCustomers },
  key: { parameters: ['key'], answer: answerKey },
  quotas: { parameters: ['key', 'owner', 'limit'], answer: readQuotas },
  routes: { parameters: ['endpoint', 'days', 'limit'], answer: readRoutes },
  security: { parameters: ['since', 'until'], answer: answerSecurity },
  statements: { parameters: ['owner', ...PAGE], answer: answerStatements },
  statement: { parameters: ['statement', 'owner', 'kind', ...PAGE], answer: answerStatement },
  'statement-customers': { parameters: ['statement', 'search', ...PAGE], answer: answerStatementCustomers },
  alerts: { parameters: ['since'], answer: answerAlerts },
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
    return toFailedAnswer(error)
  }
}

/** Opens a file for a download. Errors are answers, as for `answerApi`. */
export async function openApiFile(
  open: () => Promise<Database>,
  { query }: ApiRequest,
): Promise<ApiFile | ApiAnswer> {
  try {
    const known = readQuery(query, FILE)
    return await openStatementFile(await open(), known)
  } catch (error) {
    return toFailedAnswer(error)
  }
}

/** The answer for an error. */
export function refuse(status: number, code: string, message: string): ApiAnswer {
  return { status, type: 'json', body: JSON.stringify({ error: { code, message } }) }
}

function toFailedAnswer(error: unknown): ApiAnswer {
  if (!(error instanceof AnalyticsError)) {
    return refuse(500, 'INTERNAL', 'The dashboard failed. See the log of its server.')
  }
  const wrong = ['WRONG_USAGE', 'OPTION_INVALID', 'ARGUMENT_INVALID'].includes(error.code)
  return refuse(wrong ? 400 : 503, error.code, error.message)
}

async function answerReport(db: Database, query: Query, dataDir: string): Promise<unknown> {
  const text = textOfQuery(query)
  const found = await readFilter(db, text, query)
  const by = readDimension(query, found.period)
  const { isCsv, request } = readList(query, !by)
  if (request.unit !== undefined) await requireUnit(db, request.unit)
  const report = await runReport(db, { text, found, request: { ...request, ...(by && { by }) } }, dataDir)
  if (!hasUsage(report.report.total)) await requireKnownNames(db, { owner: text.owner })
  return isCsv ? renderUsageCsv(report.report) : toReportJson(report)
}

async function answerCustomers(db: Database, query: Query, dataDir: string): Promise<unknown> {
  const found = await readFilter(db, textOfQuery(query), query)
  const { isCsv, request } = readList(query)
  if (request.unit !== undefined) await requireUnit(db, request.unit)
  const customers = await listCustomers(db, { found, request }, dataDir)
  return isCsv ? renderCustomersCsv(customers) : customers
}

async function answerKey(db: Database, { key = '' }: Query): Promise<object> {
  const found = await findKey(db, key)
  const line = await readLine(db, found.id)
  return { ...found, owners: await findOwners(db, found.id), ...(line && { line }) }
}

async function answerActivity(db: Database, query: Query): Promise<Activity> {
  const { period, filter } = await readFilter(db, textOfQuery(query), query)
  const { unit } = query
  if (unit !== undefined) await requireUnit(db, unit)
  return atOneMoment(db, (source, snapshot) =>
    readActivity(
      { ...source, countWholeDays: (whole) => countWholeDays(snapshot, whole) },
      { period, filter, unit },
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

async function answerAlerts(
  db: Database,
  { since = DEFAULT_PERIOD }: Query,
  dataDir: string,
): Promise<object> {
  return toAlertsJson(await readAlertList(db, since), { databaseLabel: db.databaseLabel, dataDir })
}

function textOfQuery(query: Query): FilterText {
  const { key, endpoint, method, owner, status, since, until, month, tz } = query
  const noLinks = query['links'] === '0'
  const start = since ?? (month === undefined ? DEFAULT_PERIOD : undefined)
  const filter = { key, endpoint, method, owner, status: status?.split(','), 'no-links': noLinks }
  return { ...filter, since: start, until, month, tz }
}

async function readFilter(db: Database, text: FilterText, query: Query): Promise<FoundFilter> {
  const found = await findFilter(db, text)
  requireDays(found.period, MAX_DAYS, 'a report')
  const { filter, line } = found
  if (readChoice(query, 'links', ['0', 'parts']) !== 'parts') return found
  const keyIds = line?.map(({ id }) => id) ?? filter.keyIds
  return { ...found, filter: { ...filter, keyIds, links: false } }
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
