import type { Dialect, Statements } from '../database/dialect.ts'
import type { ClosedPeriod } from './closed-periods.ts'

const PARTS = (dialect: Dialect) => `
select period, api_key_id as "keyId", ${dialect.millisecondsOf('since')} as since, ${dialect.millisecondsOf('until')} as until
from api_key_analytics_statement_owners
order by period, api_key_id, since`

/** Parts of a period that something was billed or removed of, and that are not there. */
const LOST = (dialect: Dialect) => `
select distinct period, "keyId"
from (
  select period, api_key_id as "keyId", owner_since
  from api_key_analytics_statement_lines
  where owner_since <> ${dialect.timeOf('0')}
  union all
  select period, api_key_id, owner_since
  from api_key_analytics_statement_removals
  where owner_since <> ${dialect.timeOf('0')}
) named
where not exists (
  select 1
  from api_key_analytics_statement_owners o
  where o.period = named.period and o.api_key_id = named."keyId" and o.since = named.owner_since
)
order by period, "keyId"`

/**
 * Finds what is wrong with the times of owners that were fixed in closed periods: each later owner has the time up to
 * the next one, and the last one up to the end of the period.
 */
export async function findWrongOwners(
  tx: Statements,
  dialect: Dialect,
  closed: readonly ClosedPeriod[],
): Promise<string[]> {
  type Part = { period: number; keyId: string; since: string | number; until: string | number }
  const parts = await tx.query<Part>(PARTS(dialect))
  const wrong = [...Map.groupBy(parts, ({ period, keyId }) => `${period} ${keyId}`).values()].flatMap(
    (some) => {
      const period = closed.find(({ number }) => number === some[0]!.period)
      const ends = some.map((_, index) => Number(some[index + 1]?.since ?? period?.until))
      const isRight =
        period !== undefined &&
        Number(some[0]!.since) > period.since &&
        some.every(
          ({ since, until }, index) => Number(until) === ends[index] && Number(since) < Number(until),
        )
      return isRight ? [] : [some[0]!]
    },
  )
  const lost = await tx.query<Pick<Part, 'period' | 'keyId'>>(LOST(dialect))
  const names = wrong
    .concat(lost as Part[])
    .map(({ period, keyId }) => `Statement ${period}: the times of owners of key ${keyId} were changed.`)
  return [...new Set(names)]
}
