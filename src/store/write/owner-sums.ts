import type { Batch, BatchRow } from '../../model/batch.ts'
import type { KeyIdentity } from '../../model/key.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { JOIN_FORMER_OWNER } from '../read/owner-of-rows.ts'
import { DAY_MS, MINUTE_MS } from '../../time/units.ts'
import { QUANTITY_COLUMNS } from './row-columns.ts'

/**
 * Minutes are added up to this: 60 rows an hour would be slow to read, and the offset of every time zone is a multiple
 * of it.
 */
const STEP_MS = 15 * MINUTE_MS

const OWNER = 'case when o.api_key_id is null then k.owner else o.owner end'

/**
 * Adds rows to the sums: `owner`, `day` and `step` (see `sumsOf`), `endpoint` … `quantity`. Each goes into two sums, of
 * its operation and of its time. With both in one, a month would have as many sums as it has hours times operations.
 */
const ADD = (dialect: Dialect, rows: string) => `
insert into api_key_analytics_owner_usage as u
  (owner, bucket, endpoint, method, status, unit, request_count, quantity)
select s.owner, case when of_time = 0 then s.day else s.step end, case when of_time = 0 then s.endpoint else '' end,
  case when of_time = 0 then s.method else '' end, s.status, s.unit,
  cast(sum(s.request_count) as bigint), cast(sum(s.quantity) as bigint)
from (
${rows}
) s
cross join (select 0 as of_time union all select 1) kinds
where s.owner is not null
group by 1, 2, 3, 4, 5, 6
on conflict (owner, bucket, endpoint, method, status, unit) do update set
  request_count = u.request_count + excluded.request_count,
  quantity = ${dialect.addWhole('u.quantity', 'excluded.quantity')}`

/** `given` are rows of `QUANTITY_COLUMNS`; $1 is the bucket, $2 and $3 are those of the sums. */
const OF_BATCH = (dialect: Dialect, given: string) => `
  select ${OWNER} as owner, ${dialect.timeOf('$2')} as day, ${dialect.timeOf('$3')} as step,
    given.endpoint, given.method, given.status, given.unit, given.request_count, given.quantity
  from ${given}
  join api_key_analytics_keys k on k.id = given.key_id
  left join api_key_analytics_owners o
    on o.api_key_id = k.id and o.since <= ${dialect.timeOf('$1')} and o.until > ${dialect.timeOf('$1')}`

/**
 * The buckets of the sums of an operation and of a time. The first and the last day of a month are not one sum, because
 * the month of every time zone begins and ends within one of them.
 */
function sumsOf(bucket: number): { day: number; step: number } {
  const day = bucket - (bucket % DAY_MS)
  const step = bucket - (bucket % STEP_MS)
  const isEdge = [bucket, bucket + DAY_MS].some((time) => new Date(time).getUTCDate() === 1)
  return { day: isEdge ? step : day, step }
}

/** The same in SQL, of `t.bucket`. */
function writeSumsOf(dialect: Dialect): { day: string; step: string } {
  const bucket = dialect.millisecondsOf('t.bucket')
  const [day, step] = [DAY_MS, STEP_MS].map((length) =>
    dialect.timeOf(`(${bucket} - ${bucket} % ${length})`),
  ) as [string, string]
  const isEdge = `${dialect.dayOfMonth(bucket)} = 1 or ${dialect.dayOfMonth(`${bucket} + ${DAY_MS}`)} = 1`
  return { day: `case when ${isEdge} then ${step} else ${day} end`, step }
}

const OWNED = (given: string) => `
select k.id
from ${given}
join api_key_analytics_keys k on k.id = given.id
where k.owner is not null
  or exists (select 1 from api_key_analytics_owners o where o.api_key_id = k.id and o.owner is not null)`

/**
 * The keys of a batch that have, or had, an owner: the others are in no sum, and an app without owners pays for none.
 * Call it when the owners that the batch says are stored.
 */
export async function findOwnedKeys(
  tx: Statements,
  dialect: Dialect,
  keys: readonly KeyIdentity[],
): Promise<string[]> {
  const given = dialect.givenRows(
    { id: 'uuid' },
    keys.map(({ id }) => [id]),
    1,
  )
  const found = await tx.query<{ id: string }>(OWNED(given.sql), given.params)
  return found.map(({ id }) => id)
}

/** Adds rows of a batch. Call it when cells and quantities are stored, and the owners of the keys are known. */
export async function addOwnerSums(
  tx: Statements,
  dialect: Dialect,
  { bucket }: Batch,
  rows: readonly BatchRow[],
): Promise<void> {
  const added = rows.flatMap(({ keyId, endpoint, method, status, requestCount, quantities = [] }) => [
    ...(requestCount > 0
      ? [[keyId, endpoint, method, status, REQUESTS_UNIT, requestCount, requestCount]]
      : []),
    ...quantities.map((one) => [keyId, endpoint, method, status, one.unit, one.requestCount, one.quantity]),
  ])
  if (added.length === 0) return
  const given = dialect.givenRows(QUANTITY_COLUMNS, added, 4)
  const { day, step } = sumsOf(bucket)
  const params = [bucket, day, step, ...given.params]
  await tx.query(ADD(dialect, OF_BATCH(dialect, given.sql)), params)
}

/** Rows of usage `t` that match a condition. Imported ones are in no sum. */
export interface ChosenRows {
  readonly condition: string
  readonly params: readonly unknown[]
}

/**
 * Removes rows, and takes them out of the sums of their owners. The transaction has its turn.
 * @param remove removes exactly the chosen rows
 */
export async function removeFromSums<T>(
  tx: Statements,
  dialect: Dialect,
  chosen: ChosenRows,
  remove: () => Promise<T>,
): Promise<T> {
  if (!(await hasSums(tx))) return remove()
  const emptied = await changeSums(tx, dialect, -1, chosen)
  const removed = await remove()
  await dropEmptySums(tx, dialect, emptied)
  return removed
}

/** Moves rows to another bucket of the sums. `bucket` is SQL. The transaction has its turn. */
export async function moveInSums(
  tx: Statements,
  dialect: Dialect,
  chosen: ChosenRows,
  bucket: string,
): Promise<void> {
  if (!(await hasSums(tx))) return
  const emptied = await changeSums(tx, dialect, -1, chosen)
  await changeSums(tx, dialect, 1, chosen, bucket)
  await dropEmptySums(tx, dialect, emptied)
}

/** Changes the owners of rows, and moves the rows between the sums of owners. The transaction has its turn. */
export async function changeOwnersInSums(
  tx: Statements,
  dialect: Dialect,
  chosen: ChosenRows,
  change: () => Promise<void>,
): Promise<void> {
  const emptied = await changeSums(tx, dialect, -1, chosen)
  await change()
  await changeSums(tx, dialect, 1, chosen)
  await dropEmptySums(tx, dialect, emptied)
}

/** An app without owners has no sums: to add up its rows for them would make prune and roll-up slower for nothing. */
async function hasSums(tx: Statements): Promise<boolean> {
  const [sum] = await tx.query('select 1 from api_key_analytics_owner_usage limit 1')
  return sum !== undefined
}

/** The primary key of a sum, the bucket in epoch milliseconds. */
type SumName = readonly [
  owner: string,
  bucket: number,
  endpoint: string,
  method: string,
  status: number,
  unit: string,
]

/**
 * Adds the stored rows to the sums of their present owners, or takes them away (`sign` -1).
 * @returns the sums that are 0 now
 */
export async function changeSums(
  tx: Statements,
  dialect: Dialect,
  sign: 1 | -1,
  { condition, params }: ChosenRows,
  bucket?: string,
): Promise<SumName[]> {
  const { day, step } = bucket === undefined ? writeSumsOf(dialect) : { day: bucket, step: bucket }
  const select = (table: string, unit: string, quantity: string) => `
  select ${OWNER} as owner, ${day} as day, ${step} as step, t.endpoint, t.method, t.status, ${unit} as unit,
    ${sign} * t.request_count as request_count, ${sign} * ${quantity} as quantity
  from ${table} t
  join api_key_analytics_keys k on k.id = t.api_key_id
  ${JOIN_FORMER_OWNER}
  where ${condition} and t.import_id = 0`
  const rows = [
    select('api_key_analytics', `'${REQUESTS_UNIT}'`, 't.request_count'),
    select('api_key_analytics_quantities', 't.unit', 't.quantity'),
  ].join('\n  union all')
  const changed = await tx.query<Changed>(
    `${ADD(dialect, rows)}
returning owner, ${dialect.millisecondsOf('bucket')} as bucket, endpoint, method, status, unit,
  request_count = 0 and quantity = 0 as is_empty`,
    params,
  )
  return changed
    .filter(({ is_empty: isEmpty }) => Boolean(isEmpty))
    .map((sum) => [sum.owner, Number(sum.bucket), sum.endpoint, sum.method, sum.status, sum.unit])
}

interface Changed {
  readonly owner: string
  readonly bucket: string | number
  readonly endpoint: string
  readonly method: string
  readonly status: number
  readonly unit: string
  readonly is_empty: boolean | number
}

const SUM_COLUMNS = {
  owner: 'text',
  bucket: 'bigint',
  endpoint: 'text',
  method: 'text',
  status: 'smallint',
  unit: 'text',
}

async function dropEmptySums(tx: Statements, dialect: Dialect, emptied: readonly SumName[]): Promise<void> {
  if (emptied.length === 0) return
  const given = dialect.givenRows(SUM_COLUMNS, emptied, 1)
  await tx.query(
    `delete from api_key_analytics_owner_usage
where request_count = 0 and quantity = 0 and (owner, bucket, endpoint, method, status, unit) in (
  select owner, ${dialect.timeOf('bucket')}, endpoint, method, status, unit from ${given.sql}
)`,
    given.params,
  )
}
