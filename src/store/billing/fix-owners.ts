import { chunksOf } from '../../model/chunks-of.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { readOwners } from '../keys/key-owners.ts'
import type { OwnerPeriods } from '../keys/owner-periods.ts'
import type { ClosedPeriod } from './closed-periods.ts'

const CHUNK_KEYS = 1000

/** Keys that had more than one owner within a period and have neither lines nor fixed owners there yet. */
const FIND = (dialect: Dialect) => `
select k.id
from api_key_analytics_keys k
where (k.owner_since > ${dialect.timeOf('$2')} and k.owner_since < ${dialect.timeOf('$3')}
    or exists (
      select 1 from api_key_analytics_owners o
      where o.api_key_id = k.id and o.since > ${dialect.timeOf('$2')} and o.since < ${dialect.timeOf('$3')}
    ))
  and not exists (select 1 from api_key_analytics_statement_lines l where l.period = $1 and l.api_key_id = k.id)
  and not exists (select 1 from api_key_analytics_statement_owners s where s.period = $1 and s.api_key_id = k.id)
order by k.id`

const COLUMNS = { key_id: 'uuid', since: 'bigint', until: 'bigint' }

const INSERT = (dialect: Dialect, given: string) => `
insert into api_key_analytics_statement_owners (period, api_key_id, since, until)
select cast($1 as int), key_id, ${dialect.timeOf('since')}, ${dialect.timeOf('until')}
from ${given}
where true
order by n`

/**
 * Fixes in which part of a period a key belonged to which owner. When somebody later gives the key to another owner in
 * the past, or renames one, what was billed of each part stays comparable.
 */
export async function fixOwners(tx: Statements, dialect: Dialect, period: ClosedPeriod): Promise<void> {
  const { number, since, until } = period
  const found = await tx.query<{ id: string }>(FIND(dialect), [number, since, until])
  for (const some of chunksOf(found, CHUNK_KEYS)) {
    const ids = some.map(({ id }) => id)
    const owners = await readOwners(tx, dialect, ids)
    const rows = [...owners].flatMap(([id, periods]) =>
      laterPartsOf(periods, period).map((part) => [id, part.since, part.until]),
    )
    if (rows.length === 0) continue
    const given = dialect.givenRows(COLUMNS, rows, 2)
    await tx.query(INSERT(dialect, given.sql), [number, ...given.params])
  }
}

/** The parts of a period that begin within it; neighbours of the same owner are one. */
function laterPartsOf(
  periods: OwnerPeriods,
  { since, until }: ClosedPeriod,
): { since: number; until: number }[] {
  const changes = periods.filter(({ owner }, index) => index === 0 || periods[index - 1]!.owner !== owner)
  return changes.flatMap((period, index) =>
    period.since > since && period.since < until
      ? [{ since: period.since, until: Math.min(until, changes[index + 1]?.since ?? Infinity) }]
      : [],
  )
}
