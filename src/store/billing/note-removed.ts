import { chunksOf } from '../../model/chunks-of.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { toStored } from '../database/exact-sum.ts'
import { placeholders } from '../database/placeholders.ts'
import { isBillable } from './closed-periods.ts'
import type { ClosedPeriod } from './closed-periods.ts'

/** A row that was removed, or the quantity of one of its units. */
export interface RemovedRow {
  readonly keyId: string
  /** Epoch milliseconds. */
  readonly bucket: number
  readonly method: string
  readonly endpoint: string
  readonly status: number
  readonly unit: string
  readonly quantity: number | string
}

const CHUNK_ROWS = 1000

const COLUMNS = {
  period: 'int',
  key_id: 'uuid',
  owner_since: 'bigint',
  endpoint: 'text',
  method: 'text',
  unit: 'text',
  quantity: 'bigint',
}

const ADD = (dialect: Dialect, given: string) => `
insert into api_key_analytics_statement_removals as r
  (period, api_key_id, owner_since, endpoint, method, unit, quantity)
select period, key_id, ${dialect.timeOf('owner_since')}, endpoint, method, unit, cast(quantity as bigint)
from ${given}
where true
order by n
on conflict (period, api_key_id, owner_since, endpoint, method, unit) do update set
  quantity = ${dialect.addWhole('r.quantity', 'excluded.quantity')}`

const FIXED_OWNERS = (dialect: Dialect, periods: readonly number[]) => `
select period, api_key_id as "keyId", ${dialect.millisecondsOf('since')} as since, ${dialect.millisecondsOf('until')} as until
from api_key_analytics_statement_owners
where period in (${placeholders(periods)})`

/**
 * Remembers what was removed of closed periods, in the same transaction. So it is known for ever what such a period
 * held: what was billed of it never changes, and counts that came late become a correction although they were removed.
 * @returns what was noted, by unit
 */
export async function noteRemoved(
  tx: Statements,
  dialect: Dialect,
  closed: readonly ClosedPeriod[],
  rows: readonly RemovedRow[],
): Promise<ReadonlyMap<string, bigint>> {
  const billed = rows.flatMap((row) => {
    const period = closed.find(({ since, until }) => since <= row.bucket && row.bucket < until)
    return period && isBillable(row.status, period.billable) ? [{ ...row, period: period.number }] : []
  })
  const total = new Map<string, bigint>()
  if (billed.length === 0) return total
  const partOf = await readParts(tx, dialect, [...new Set(billed.map(({ period }) => period))])
  const sums = new Map<string, { readonly columns: unknown[]; readonly unit: string; quantity: bigint }>()
  for (const { keyId, bucket, method, endpoint, unit, quantity, period } of billed) {
    const columns = [period, keyId, partOf(period, keyId, bucket), endpoint, method, unit]
    const name = JSON.stringify(columns)
    const sum = sums.get(name) ?? { columns, unit, quantity: 0n }
    sum.quantity += BigInt(quantity)
    total.set(unit, (total.get(unit) ?? 0n) + BigInt(quantity))
    sums.set(name, sum)
  }
  // in the order of the primary key, so that two removals cannot deadlock
  const noted = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { columns, unit, quantity }]) => columns.concat(toStored(quantity, unit)))
  for (const some of chunksOf(noted, CHUNK_ROWS)) {
    const given = dialect.givenRows(COLUMNS, some, 1)
    await tx.query(ADD(dialect, given.sql), given.params)
  }
  return total
}

/** Finds the start of the owner's part of a period in which a bucket begins; 0 for the first part. */
async function readParts(
  tx: Statements,
  dialect: Dialect,
  periods: readonly number[],
): Promise<(period: number, keyId: string, bucket: number) => number> {
  type Part = { period: number; keyId: string; since: string | number; until: string | number }
  const parts = Map.groupBy(
    await tx.query<Part>(FIXED_OWNERS(dialect, periods), periods),
    ({ period, keyId }) => `${period} ${keyId}`,
  )
  return (period, keyId, bucket) => {
    const part = parts
      .get(`${period} ${keyId}`)
      ?.find(({ since, until }) => Number(since) <= bucket && bucket < Number(until))
    return Number(part?.since ?? 0)
  }
}
