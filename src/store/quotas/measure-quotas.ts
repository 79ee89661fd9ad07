import type { MeasuredQuota, Quota, QuotaFilter, QuotaMeasurement } from '../../model/quota.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import { presentPeriod } from '../../time/present-period.ts'
import { DAY_MS } from '../../time/units.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { findCompleteUntil } from './find-complete-until.ts'
import type { KeyLines } from '../keys/key-lines.ts'
import { findCountingQuotas } from './find-counting-quotas.ts'
import type { CountingQuotas } from './find-counting-quotas.ts'

const KEY_COLUMNS = { quota: 'int', unit: 'text', key_id: 'uuid', since: 'bigint', until: 'bigint' }
const OWNER_COLUMNS = { ...KEY_COLUMNS, key_id: 'text' }

/**
 * How far back alerts look for periods that are over: counts may be delivered late, and checks may not run, such as over
 * a weekend. As long as a message waits for its receiver.
 */
export const LOOK_BACK_MS = 3 * DAY_MS

/** A quota in one of its periods, with its place in the list. */
interface Wanted extends Quota {
  readonly place: number
  readonly since: Date
  readonly until: Date
}

/**
 * Measures the quotas of some keys and owners together, or all, in six statements at most. An owner's use is that of
 * the keys while the owner had them, as in `report --owner`, and a key's is that of its line. A stored row counts for the
 * period in which it begins. With `lookBackMs` also in the periods that ended less than that ago, the oldest first.
 */
export async function measureQuotas(
  db: Statements & { readonly dialect: Dialect },
  filter?: QuotaFilter,
  now = Date.now(),
  lookBackMs = 0,
): Promise<QuotaMeasurement> {
  const { dialect } = db
  // first: the sums that are read later have at least what was delivered by then
  const completeUntil = await findCompleteUntil(db, dialect, now)
  return {
    completeUntil,
    quotas: await measureCountingQuotas(db, await findCountingQuotas(db, dialect, filter), now, lookBackMs),
  }
}

/** Measures quotas in the period that contains a moment, and in recent ones, in two statements at most. */
export async function measureCountingQuotas(
  db: Statements & { readonly dialect: Dialect },
  { quotas, lines }: CountingQuotas,
  now: number,
  lookBackMs = 0,
): Promise<MeasuredQuota[]> {
  const wanted = quotas
    .flatMap((quota) => inPeriods(quota, now, lookBackMs))
    .map((quota, place) => Object.assign(quota, { place }))
  const { requests = [], others = [] } = Object.groupBy(wanted, ({ unit }) =>
    unit === REQUESTS_UNIT ? 'requests' : 'others',
  )
  const sums = new Map<number, bigint>()
  const ofRequests = { table: 'api_key_analytics', quantity: 't.request_count', lines }
  await addSums(db, requests, ofRequests, sums)
  await addSums(
    db,
    others,
    { table: 'api_key_analytics_quantities', quantity: 't.quantity', unit: 't.unit', lines },
    sums,
  )
  return wanted.map(({ place, ...quota }) => Object.assign(quota, { used: sums.get(place) ?? 0n }))
}

/** A quota in its periods. Those that ended before it was set are left out: it says nothing about them. */
function inPeriods(quota: Quota, now: number, lookBackMs: number): Omit<Wanted, 'place'>[] {
  const border = Math.max(now - lookBackMs, quota.setAt.getTime())
  const found: Omit<Wanted, 'place'>[] = []
  let moment = now
  do {
    const period = presentPeriod(quota, moment)
    found.unshift(Object.assign({}, quota, period))
    // the last moment of the period before
    moment = period.since.getTime() - 1
  } while (moment >= border)
  return found
}

interface Source {
  readonly table: string
  readonly quantity: string
  /** Absent where every row has the same unit. */
  readonly unit?: string
  readonly lines: KeyLines
}

async function addSums(
  db: Statements & { readonly dialect: Dialect },
  wanted: readonly Wanted[],
  source: Source,
  sums: Map<number, bigint>,
): Promise<void> {
  if (wanted.length === 0) return
  const { sql, params } = writeMeasurement(db.dialect, wanted, source)
  const rows = await db.query<{ quota: number; used: string | null }>(sql, params)
  for (const { quota, used } of rows) sums.set(quota, BigInt(used ?? 0))
}

/**
 * The statement that sums up the use of quotas. It turns each quota into spans of time of single keys, of which a
 * line has one per key, and an owner one per key or more, when a key came back. Then the primary key finds the rows.
 */
function writeMeasurement(
  dialect: Dialect,
  wanted: readonly Wanted[],
  { table, quantity, unit, lines }: Source,
): { sql: string; params: unknown[] } {
  const toRows = ({ place, unit: name, keyId, owner, since, until }: Wanted) => {
    const subjects = keyId === null ? [owner] : (lines.get(keyId)?.keyIds ?? [keyId])
    return subjects.map((subject) => [place, name, subject, since.getTime(), until.getTime()])
  }
  const { keys = [], owners = [] } = Object.groupBy(wanted, ({ keyId }) => (keyId ? 'keys' : 'owners'))
  const ofKeys = dialect.givenRows(KEY_COLUMNS, keys.flatMap(toRows), 1)
  const ofOwners = dialect.givenRows(OWNER_COLUMNS, owners.flatMap(toRows), 1 + ofKeys.params.length)
  const first = 1 + ofKeys.params.length + ofOwners.params.length
  const borders = [
    Math.min(...wanted.map(({ since }) => since.getTime())),
    Math.max(...wanted.map(({ until }) => until.getTime())),
  ]
  const [ownedFrom, ownedUntil] = ['k.owner_since', 'o.until'].map((time) => dialect.millisecondsOf(time))
  const formerFrom = dialect.millisecondsOf('o.since')
  // `cross join` makes SQLite begin with the spans
  const sql = `with of_owners as (
  select quota, unit, key_id as owner, since, until from ${ofOwners.sql}
), spans as (
  select quota, unit, key_id, since, until from ${ofKeys.sql}
  union all
  select w.quota, w.unit, k.id, case when ${ownedFrom} > w.since then ${ownedFrom} else w.since end, w.until
  from of_owners w
  cross join api_key_analytics_keys k
  where k.owner = w.owner
  union all
  select w.quota, w.unit, o.api_key_id, case when ${formerFrom} > w.since then ${formerFrom} else w.since end,
    case when ${ownedUntil} < w.until then ${ownedUntil} else w.until end
  from of_owners w
  cross join api_key_analytics_owners o
  where o.owner = w.owner
)
select s.quota, cast(sum(${quantity}) as text) as used
from spans s
cross join ${table} t
where t.api_key_id = s.key_id and t.import_id = 0
  and t.bucket >= ${dialect.timeOf('s.since')} and t.bucket < ${dialect.timeOf('s.until')}
  and t.bucket >= ${dialect.timeOf(`$${first}`)} and t.bucket < ${dialect.timeOf(`$${first + 1}`)}
  ${unit ? `and ${unit} = s.unit` : ''}
group by s.quota`
  return { sql, params: [...ofKeys.params, ...ofOwners.params, ...borders] }
}
