import { chunksOf } from '../../model/chunks-of.ts'
import type { Database } from '../database/open-database.ts'
import type { Dialect } from '../database/dialect.ts'
import { placeholders } from '../database/placeholders.ts'
import { readOwners } from '../keys/key-owners.ts'
import type { OwnerPeriods } from '../keys/owner-periods.ts'
import type { ClosedPeriod } from './closed-periods.ts'
import { findDue } from './find-due.ts'

const CHUNK_KEYS = 1000

/** Keys that changed their owner within a period at a time at which no part of it begins yet. */
const FIND = (dialect: Dialect, keyIds: readonly string[]) => {
  const isUnknown = (table: string, since: string, id: string) =>
    `${table}.${since} > ${dialect.timeOf('$2')} and ${table}.${since} < ${dialect.timeOf('$3')}
    and not exists (
      select 1 from api_key_analytics_statement_owners s
      where s.period = $1 and s.api_key_id = ${table}.${id} and s.since = ${table}.${since}
    )`
  return `
select k.id
from api_key_analytics_keys k
where k.id in (${placeholders(keyIds, 4)})
  and (${isUnknown('k', 'owner_since', 'id')}
    or exists (
      select 1 from api_key_analytics_owners o
      where o.api_key_id = k.id and ${isUnknown('o', 'since', 'api_key_id')}
    ))
order by k.id`
}

const BILLED = (keyIds: readonly string[]) => `
select distinct api_key_id as id
from api_key_analytics_statement_lines
where period = $1 and api_key_id in (${placeholders(keyIds, 2)})`

const FIXED = (dialect: Dialect, keyIds: readonly string[]) => `
select api_key_id as "keyId", ${dialect.millisecondsOf('since')} as since
from api_key_analytics_statement_owners
where period = $1 and api_key_id in (${placeholders(keyIds, 2)})
order by since`

const COLUMNS = { key_id: 'uuid', since: 'bigint', until: 'bigint' }

const INSERT = (dialect: Dialect, given: string) => `
insert into api_key_analytics_statement_owners (period, api_key_id, since, until)
select cast($1 as int), key_id, ${dialect.timeOf('since')}, ${dialect.timeOf('until')}
from ${given}
where true
order by n`

const END = (dialect: Dialect) => `
update api_key_analytics_statement_owners
set until = ${dialect.timeOf('$4')}
where period = $1 and api_key_id = $2 and since = ${dialect.timeOf('$3')}`

/**
 * Fixes in which part of a period a key belonged to which owner. When somebody later gives the key to another owner in
 * the past, or renames one, what was billed of each part stays comparable. Of a period that was billed, a time is a part
 * of its own when nothing that was billed lies in it.
 */
export async function fixOwners(
  db: Database,
  period: ClosedPeriod,
  keyIds: readonly string[],
): Promise<void> {
  const { number, since, until } = period
  for (const some of chunksOf(keyIds, CHUNK_KEYS)) {
    const found = await db.query<{ id: string }>(FIND(db.dialect, some), [number, since, until, ...some])
    if (found.length === 0) continue
    const ids = found.map(({ id }) => id)
    const owners = await readOwners(db, db.dialect, ids)
    const billed = new Set(
      (await db.query<{ id: string }>(BILLED(ids), [number, ...ids])).map(({ id }) => id),
    )
    const fixed = await readFixedStarts(db, number, ids)
    const parts: unknown[][] = []
    for (const [id, periods] of owners) {
      const known = fixed.get(id) ?? []
      const starts = startsOf(periods, period).filter((start) => !known.includes(start))
      if (billed.has(id) || known.length > 0) {
        for (const start of starts) await cutPart(db, period, id, start, known)
      } else parts.push(...starts.map((start, index) => [id, start, starts[index + 1] ?? until]))
    }
    await addParts(db, number, parts)
  }
}

/** The starts of the parts of a period but the first; neighbours of the same owner are one. */
function startsOf(periods: OwnerPeriods, { since, until }: ClosedPeriod): number[] {
  return periods
    .filter(({ owner }, index) => index === 0 || periods[index - 1]!.owner !== owner)
    .flatMap((period) => (period.since > since && period.since < until ? [period.since] : []))
}

/** Begins a part, unless the part before it would then hold less than was billed of it. */
async function cutPart(
  db: Database,
  period: ClosedPeriod,
  keyId: string,
  start: number,
  known: number[],
): Promise<void> {
  const { number } = period
  const before = known.findLast((one) => one < start)
  const due = await findDue(db, { ...period, until: start }, [keyId])
  if (due.some(({ ownerSince, quantity }) => ownerSince === (before ?? 0) && quantity < 0n)) return
  if (before !== undefined) await db.query(END(db.dialect), [number, keyId, before, start])
  const until = known.find((one) => one > start) ?? period.until
  await addParts(db, number, [[keyId, start, until]])
  known.push(start)
  known.sort((a, b) => a - b)
}

async function addParts(db: Database, number: number, parts: readonly unknown[][]): Promise<void> {
  if (parts.length === 0) return
  const given = db.dialect.givenRows(COLUMNS, parts, 2)
  await db.query(INSERT(db.dialect, given.sql), [number, ...given.params])
}

async function readFixedStarts(
  db: Database,
  number: number,
  ids: readonly string[],
): Promise<Map<string, number[]>> {
  const rows = await db.query<{ keyId: string; since: string | number }>(FIXED(db.dialect, ids), [
    number,
    ...ids,
  ])
  const starts = new Map<string, number[]>()
  for (const { keyId, since } of rows) starts.set(keyId, [...(starts.get(keyId) ?? []), Number(since)])
  return starts
}
