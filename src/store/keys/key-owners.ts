import type { Dialect, Statements } from '../database/dialect.ts'
import type { SetBy } from '../database/entities/api-key-analytics-key.ts'
import type { KeyOwner } from '../../model/key.ts'
import type { Database } from '../database/open-database.ts'
import { changeOwnersInSums } from '../write/owner-sums.ts'
import type { OwnerPeriod, OwnerPeriods } from './owner-periods.ts'
import { placeholders } from '../database/placeholders.ts'

/** Past periods of keys and the present ones, oldest first. */
const READ = (dialect: Dialect, ids: string) => `
select api_key_id as id, ${dialect.millisecondsOf('since')} as since, owner, set_by,
  ${dialect.millisecondsOf('said_at')} as said_at, ${dialect.millisecondsOf('until')} as until
from api_key_analytics_owners
where api_key_id in (${ids})
union all
select id, ${dialect.millisecondsOf('owner_since')}, owner, owner_set_by,
  ${dialect.millisecondsOf('owner_said_at')}, null
from api_key_analytics_keys
where id in (${ids})
order by id, until nulls last`

const FORMER_COLUMNS = {
  key_id: 'uuid',
  until: 'bigint',
  since: 'bigint',
  owner: 'text',
  set_by: 'text',
  said_at: 'bigint',
}

const INSERT_FORMER = (dialect: Dialect, given: string) => `
insert into api_key_analytics_owners (api_key_id, until, since, owner, set_by, said_at)
select key_id, ${dialect.timeOf('until')}, ${dialect.timeOf('since')}, owner, set_by, ${dialect.timeOf('said_at')}
from ${given}
where true
order by n`

const UPDATE_PRESENT = (dialect: Dialect) => `
update api_key_analytics_keys
set owner = $2, owner_set_by = $3, owner_since = ${dialect.timeOf('$4')}, owner_said_at = ${dialect.timeOf('$5')}
where id = $1`

interface Row {
  readonly id: string
  readonly since: string | number | null
  readonly owner: string | null
  readonly set_by: SetBy
  readonly said_at: string | number | null
}

/** All periods of keys, by id. An unknown key has none. */
export async function readOwners(
  tx: Statements,
  dialect: Dialect,
  ids: readonly string[],
): Promise<Map<string, OwnerPeriods>> {
  const rows = await tx.query<Row>(READ(dialect, placeholders(ids)), ids)
  const periods = new Map<string, OwnerPeriod[]>()
  for (const { id, since, owner, set_by: setBy, said_at: saidAt } of rows) {
    const period = {
      since: Number(since ?? 0),
      owner,
      setBy,
      saidAt: saidAt === null ? null : Number(saidAt),
    }
    periods.set(id, [...(periods.get(id) ?? []), period])
  }
  return periods
}

/** Who owned a key when, oldest first; empty for an unknown key. */
export async function findOwners(db: Database, id: string): Promise<KeyOwner[]> {
  const periods = (await readOwners(db, db.dialect, [id])).get(id) ?? []
  return periods.map(({ since, owner, setBy }, index) => {
    const next = periods[index + 1]
    return {
      since: since === 0 ? null : new Date(since),
      until: next ? new Date(next.since) : null,
      owner,
      setBy,
    }
  })
}

/**
 * Replaces all periods of keys, and moves their rows between the sums of owners. The transaction has its turn, and has
 * locked these keys.
 */
export async function writeOwners(
  tx: Statements,
  dialect: Dialect,
  owners: ReadonlyMap<string, OwnerPeriods>,
): Promise<void> {
  if (owners.size === 0) return
  const ids = [...owners.keys()]
  const before = await readOwners(tx, dialect, ids)
  const moved = ids.filter((id) => !isSameOwner(before.get(id) ?? [], owners.get(id)!))
  const chosen = { condition: `t.api_key_id in (${placeholders(moved)})`, params: moved }
  const replace = () => replaceOwners(tx, dialect, owners)
  if (moved.length > 0) await changeOwnersInSums(tx, dialect, chosen, replace)
  else await replace()
}

/** Whether the owner is the same at all times. */
function isSameOwner(a: OwnerPeriods, b: OwnerPeriods): boolean {
  const changes = (periods: OwnerPeriods) =>
    periods.filter(({ owner }, index) => index === 0 || owner !== periods[index - 1]!.owner)
  const [some, others] = [changes(a), changes(b)]
  return (
    some.length === others.length &&
    some.every(({ since, owner }, index) => since === others[index]!.since && owner === others[index]!.owner)
  )
}

async function replaceOwners(
  tx: Statements,
  dialect: Dialect,
  owners: ReadonlyMap<string, OwnerPeriods>,
): Promise<void> {
  const ids = [...owners.keys()]
  await tx.query(`delete from api_key_analytics_owners where api_key_id in (${placeholders(ids)})`, ids)
  const former = [...owners].flatMap(([id, periods]) =>
    periods.slice(0, -1).map(({ since, owner, setBy, saidAt }, index) => {
      const until = periods[index + 1]!.since
      return [id, until, since, owner, setBy, saidAt]
    }),
  )
  if (former.length > 0) {
    const given = dialect.givenRows(FORMER_COLUMNS, former, 1)
    await tx.query(INSERT_FORMER(dialect, given.sql), given.params)
  }
  // One statement per key: Citus cannot update from a list of given rows.
  for (const [id, periods] of owners) {
    const { since, owner, setBy, saidAt } = periods.at(-1)!
    await tx.query(UPDATE_PRESENT(dialect), [id, owner, setBy, since || null, saidAt])
  }
}
