import type {
  Customer,
  CustomerDimension,
  CustomerKey,
  CustomerQuestion,
} from '../../model/customer-usage.ts'
import type { QuotaSubject } from '../../model/quota.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import { isCalendarUnit } from '../../time/calendar.ts'
import { DAY_MS } from '../../time/units.ts'
import type { Database } from '../database/open-database.ts'
import { COMPLETE_UNTIL, SILENT_MS } from '../quotas/find-complete-until.ts'
import { subjectOf } from '../quotas/find-quotas.ts'
import { findKeysOfCustomer } from '../keys/find-keys-of-customer.ts'
import { timeBorders } from './time-borders.ts'
import type { TimeBorders } from './time-borders.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterUsage } from './usage-filter.ts'

/** The usage of a group in one status and one unit. Without `by` there may be rows of times and rows of operations. */
export interface CustomerRow {
  readonly status: number
  /** `requests` or another unit. */
  readonly unit: string
  readonly requestCount: number
  readonly quantity: bigint
  readonly method?: string
  readonly endpoint?: string
  readonly key?: CustomerKey
  /** Start of the hour, day or week. */
  readonly time?: Date
}

/** Counted rows of requests and of quantities, in the form of `api_key_analytics_owner_usage`. */
const ROWS = `(
    select api_key_id, bucket, endpoint, method, status, '${REQUESTS_UNIT}' as unit, request_count, request_count as quantity
    from api_key_analytics
    where import_id = 0
    union all
    select api_key_id, bucket, endpoint, method, status, unit, request_count, quantity
    from api_key_analytics_quantities
    where import_id = 0
  )`

/**
 * Of a key without an owner that the app names: the time since it changed its owner last. Not while it has an owner that
 * the app named: the app has to say it for this request too.
 */
const OF_PRESENT_TIME = `exists (
    select 1 from api_key_analytics_keys k
    where k.id = t.api_key_id and (k.owner is null or k.owner_set_by = 'person')
      and (k.owner_since is null or k.owner_since <= t.bucket)
  )`

/** What one statement reads. */
export interface FoundUsage {
  /** The keys that were read; none where the whole of an owner was. */
  readonly keyIds: readonly string[]
  readonly rows: readonly CustomerRow[]
  /** Number of the last entry in the chain of statements; 0 without one. */
  readonly lastEntry: number
  /** The last statement of the customer; 0 without one. Another one may have its name by now. */
  readonly lastBilled: number
  readonly hasQuotas: boolean
  /** As `findCompleteUntil`. */
  readonly completeUntil: number | null
}

/**
 * Reads the usage of a customer in one statement, which also says what else must be read. The line of a single key is
 * looked up first. Reads no rows of other customers. The whole of an owner comes from the sums of owners, however many
 * keys there are.
 */
export async function findCustomerUsage(db: Database, question: CustomerQuestion): Promise<FoundUsage> {
  const { by, since, until, timeZone } = question
  const span = { from: since - DAY_MS, to: until + DAY_MS }
  const unit = by === undefined ? 'day' : isCalendarUnit(by) ? by : undefined
  const borders = unit && timeBorders(unit, timeZone, span)
  const keyIds = await findKeysOfCustomer(db, question.customer)
  const { sql, params } = writeCustomerStatement(db, question, borders, keyIds)
  const found = await db.query<Found>(sql, params)
  const rows = found.filter(({ unit }) => unit !== null)
  return {
    keyIds,
    lastEntry: Number(found[0]?.last_entry ?? 0),
    lastBilled: Number(found[0]?.last_billed ?? 0),
    hasQuotas: Boolean(found[0]?.has_quotas),
    completeUntil: found[0]?.complete_until == null ? null : Number(found[0].complete_until),
    rows: rows.map((row) => toRow(row, borders)),
  }
}

function toRow(row: Found, borders: TimeBorders | undefined): CustomerRow {
  return {
    status: Number(row.status),
    unit: row.unit!,
    requestCount: Number(row.request_count),
    quantity: BigInt(row.quantity!),
    // an empty method: a sum of a time, over all operations
    ...(row.method && { method: row.method }),
    ...(row.method && row.endpoint !== undefined && { endpoint: row.endpoint }),
    ...(row.key_id !== undefined && {
      key: { id: row.key_id, label: row.key_label!, name: row.key_name ?? null },
    }),
    ...(borders && row.time !== null && { time: borders.startOf(Number(row.time)) }),
  }
}

/** Of a customer without usage there is one row, in which only `last_entry` is set. */
interface Found {
  readonly last_entry: string | number | null
  readonly last_billed: string | number | null
  readonly has_quotas: boolean | number
  readonly complete_until: string | number | null
  readonly unit: string | null
  readonly status: string | number | null
  readonly request_count: string | number | null
  readonly quantity: string | null
  readonly method?: string
  readonly endpoint?: string
  readonly key_id?: string
  readonly key_label?: string
  readonly key_name?: string | null
  readonly time?: string | number | null
}

/** The statement of `findCustomerUsage`. */
export function writeCustomerStatement(
  { dialect }: Pick<Database, 'dialect'>,
  { customer, since, until, by }: CustomerQuestion,
  borders: TimeBorders | undefined,
  keyIds: readonly string[] = [customer.keyId],
  now = Date.now(),
): { sql: string; params: unknown[] } {
  const parameters = new SqlParameters()
  const { scope, owner } = customer
  const isSummed = scope === 'owner' && owner !== null && by !== 'key'
  const period = { since: new Date(since), until: new Date(until) }
  const rows = isSummed
    ? [
        'api_key_analytics_owner_usage t',
        `t.owner = ${parameters.add(owner)} and ${filterUsage(dialect, period, parameters)}${SUMS[by ?? 'all']}`,
      ]
    : [
        `${ROWS} t`,
        filterUsage(
          dialect,
          {
            ...period,
            ...(owner !== null && { owner }),
            ...((scope === 'key' || owner === null) && { keyIds }),
          },
          parameters,
        ) + (owner === null ? ` and ${OF_PRESENT_TIME}` : ''),
      ]
  const time = borders && borders.numberOf(dialect.millisecondsOf('t.bucket'))
  const columns = [
    't.unit',
    't.status',
    ...GROUPS[by ?? 'all'],
    // a sum of an operation is not one of a time
    ...(time ? [`${isSummed ? `case when t.method = '' then ${time} end` : time} as time`] : []),
  ]
  // the name of a key that belongs to somebody else by now is that one's
  const name =
    by !== 'key' || owner === null ? 'k.name' : `case when k.owner = ${parameters.add(owner)} then k.name end`
  const key = by === 'key' ? `, k.id as key_id, k.label as key_label, ${name} as key_name` : ''
  const { kind, name: subjectName } = subjectOf(quotaSubjectOf(customer))
  const subjects = (kind === 'key' ? keyIds : [subjectName]).map((subject) => parameters.add(subject))
  const hasQuotas = `exists (
    select 1 from api_key_analytics_quotas
    where subject_kind = ${parameters.add(kind)} and subject in (${subjects.join(', ')})
  )`
  const lastBilled = `(
    select max(statement) from api_key_analytics_statement_accounts where customer = ${parameters.add(customer.owner)}
  )`
  const sql = `select (select max(sequence) from api_key_analytics_statements) as last_entry, ${lastBilled} as last_billed,
  ${hasQuotas} as has_quotas, (${COMPLETE_UNTIL(dialect, parameters.add(now - SILENT_MS))}) as complete_until, u.*${key}
from (select 1 as one) always
left join (
  select ${columns.join(', ')},
    sum(t.request_count) as request_count, cast(sum(t.quantity) as text) as quantity
  from ${rows[0]}
  where ${rows[1]}
  group by ${columns.map((_, index) => index + 1).join(', ')}
) u on true${key && '\nleft join api_key_analytics_keys k on k.id = u.api_key_id'}`
  return { sql, params: parameters.values }
}

/** Whose quotas a customer sees. */
export function quotaSubjectOf({ scope, keyId, owner }: Customer): QuotaSubject {
  return scope === 'owner' && owner !== null ? { owner } : { keyId }
}

/** Which sums of an owner answer. */
const [OF_OPERATIONS, OF_TIMES] = [" and t.method <> ''", " and t.method = ''"]
const SUMS: Record<CustomerDimension | 'all', string> = {
  all: '',
  key: '',
  endpoint: OF_OPERATIONS,
  method: OF_OPERATIONS,
  status: OF_TIMES,
  hour: OF_TIMES,
  day: OF_TIMES,
  week: OF_TIMES,
}

const GROUPS: Record<CustomerDimension | 'all', readonly string[]> = {
  all: ['t.method', 't.endpoint'],
  key: ['t.api_key_id'],
  endpoint: ['t.method', 't.endpoint'],
  method: ['t.method'],
  status: [],
  hour: [],
  day: [],
  week: [],
}
