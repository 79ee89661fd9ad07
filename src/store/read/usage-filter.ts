import { AnalyticsError } from '../../model/errors.ts'
import type { OperationFilter, StatusFilter, UsageFilter, UsageQuery } from '../../model/usage-query.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { SqlParameters } from '../database/sql-parameters.ts'
import { requireKeyId } from '../keys/require-key-id.ts'
import { ofKeysOf, ownedBy } from './owner-of-rows.ts'

/** An escaped star in a glob, in SQLite's syntax. */
const STAR = '[*]'

/**
 * The SQL condition on `api_key_analytics t` for a filter.
 * @throws ARGUMENT_INVALID
 */
export function filterUsage(dialect: Dialect, filter: UsageFilter, parameters: SqlParameters): string {
  const { since, until } = filter
  const conditions = [filterRows(dialect, filter, parameters)]
  if (since) conditions.push(`t.bucket >= ${timeParameter(dialect, since, parameters)}`)
  if (until) conditions.push(`t.bucket < ${timeParameter(dialect, until, parameters)}`)
  return conditions.join(' and ')
}

/** What a query counts: requests, or the quantities of a unit. */
type Counted = UsageFilter & Pick<UsageQuery, 'unit'>

/** The table with what a query counts. */
export function tableOf({ unit }: Counted): string {
  return unit === undefined ? 'api_key_analytics' : 'api_key_analytics_quantities'
}

/** The SQL condition on the rows of that table. */
export function filterCounted(dialect: Dialect, query: Counted, parameters: SqlParameters): string {
  return `${filterUsage(dialect, query, parameters)}${filterUnit(query, parameters)}`
}

/** The same without `since` and `until`. */
export function filterCountedRows(dialect: Dialect, query: Counted, parameters: SqlParameters): string {
  return `${filterRows(dialect, query, parameters)}${filterUnit(query, parameters)}`
}

function filterUnit({ unit }: Counted, parameters: SqlParameters): string {
  return unit === undefined ? '' : ` and t.unit = ${parameters.add(unit)}`
}

/** The condition of a filter without `since` and `until`. */
export function filterRows(dialect: Dialect, filter: UsageFilter, parameters: SqlParameters): string {
  const { keyIds, owner, method, endpoint, operations, status, imported } = filter
  const conditions: string[] = []
  if (keyIds) conditions.push(filterKeys(keyIds, parameters))
  if (owner !== undefined) {
    const name = parameters.add(owner)
    conditions.push(ofKeysOf(name), ownedBy(name))
  }
  if (method !== undefined) conditions.push(`t.method = ${parameters.add(method)}`)
  if (endpoint !== undefined) conditions.push(filterEndpoint(dialect, endpoint, parameters))
  if (operations) conditions.push(filterOperations(operations, parameters))
  if (status !== undefined) conditions.push(filterStatus(status, parameters))
  if (imported !== undefined) conditions.push(`t.import_id ${imported ? '<>' : '='} 0`)
  return conditions.length > 0 ? conditions.join(' and ') : 'true'
}

/**
 * The endpoint that a person means: the stored endpoint with exactly this name if there is one, such as a wildcard
 * route. Else all endpoints that the text matches as a glob.
 */
export async function preferStoredEndpoint(db: Statements, endpoint: string): Promise<string> {
  if (!endpoint.includes('*')) return endpoint
  const stored = await db.query('select 1 from api_key_analytics where endpoint = $1 limit 1', [endpoint])
  return stored.length > 0 ? endpoint.replaceAll('*', STAR) : endpoint
}

/** An endpoint of a filter, as a person writes it. */
export function nameOfEndpoint(endpoint: string): string {
  return endpoint.replaceAll(STAR, '*')
}

/**
 * A condition that is true for every row. With it SQLite reads the period of one key after the other, in stored order.
 * By the index on bucket it would have to search for each row.
 */
export function ofEveryKey(dialect: Dialect): string {
  return dialect.kind === 'sqlite' ? 't.api_key_id in (select id from api_key_analytics_keys)' : 'true'
}

/** A time as a parameter of a statement. */
export function timeParameter(dialect: Dialect, time: Date, parameters: SqlParameters): string {
  return dialect.timeOf(parameters.add(requireTime(time)))
}

/** The epoch milliseconds of a date. @throws ARGUMENT_INVALID for an invalid date */
export function requireTime(time: Date): number {
  if (Number.isNaN(time.getTime())) throw new AnalyticsError('ARGUMENT_INVALID', 'A date is invalid.')
  return time.getTime()
}

function filterKeys(keyIds: readonly string[], parameters: SqlParameters): string {
  if (keyIds.length === 0) return 'false'
  return `t.api_key_id in (${keyIds.map((id) => parameters.add(requireKeyId(id))).join(', ')})`
}

/** SQLite's `like` ignores case, so SQLite uses `glob`. Each has its own characters to escape. */
function filterEndpoint(dialect: Dialect, endpoint: string, parameters: SqlParameters): string {
  if (!endpoint.replaceAll(STAR, '').includes('*')) {
    return `t.endpoint = ${parameters.add(nameOfEndpoint(endpoint))}`
  }
  const parts = endpoint.split(STAR)
  if (dialect.kind === 'sqlite') {
    const pattern = parts.map((part) => part.replace(/[?[]/g, '[$&]')).join(STAR)
    return `t.endpoint glob ${parameters.add(pattern)}`
  }
  const pattern = parts.map((part) => part.replace(/[!%_]/g, '!$&').replaceAll('*', '%')).join('*')
  return `t.endpoint like ${parameters.add(pattern)} escape '!'`
}

function filterOperations(operations: readonly OperationFilter[], parameters: SqlParameters): string {
  const alternatives = operations.map(({ endpoint, method }) => {
    const ofEndpoint = `t.endpoint = ${parameters.add(endpoint)}`
    return method === undefined ? ofEndpoint : `(${ofEndpoint} and t.method = ${parameters.add(method)})`
  })
  return alternatives.length > 0 ? `(${alternatives.join(' or ')})` : 'false'
}

function filterStatus(status: StatusFilter | readonly StatusFilter[], parameters: SqlParameters): string {
  const alternatives = [status].flat().map((wanted) => {
    const text = String(wanted)
    if (/^[1-5]xx$/.test(text)) return `t.status between ${text[0]}00 and ${text[0]}99`
    if (/^[1-5]\d\d$/.test(text)) return `t.status = ${parameters.add(Number(text))}`
    throw new AnalyticsError(
      'ARGUMENT_INVALID',
      `Cannot read status ${JSON.stringify(wanted)}. Use 429 or '4xx'.`,
    )
  })
  return alternatives.length > 0 ? `(${alternatives.join(' or ')})` : 'false'
}
