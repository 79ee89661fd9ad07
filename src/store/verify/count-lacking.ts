import type { Batch } from '../../model/batch.ts'
import { readGaps } from '../write/ledger-gaps.ts'
import type { Database } from '../database/open-database.ts'

/** A range of requests of an instance: `requestCount` of them after `countedBefore`. */
export type RequestRange = Pick<Batch, 'instance' | 'countedBefore' | 'requestCount'>

const COUNTED = (given: string) => `
select instance, request_count + missing as counted
from api_key_analytics_ledger
where instance in (select instance from ${given})`

/** Counts the requests of some batches that are not in the database; copies of a batch count once. */
export async function countLacking(db: Database, batches: readonly RequestRange[]): Promise<number> {
  const instances = [...new Set(batches.map(({ instance }) => instance))]
  if (instances.length === 0) return 0
  const given = db.dialect.givenRows(
    { instance: 'uuid' },
    instances.map((instance) => [instance]),
    1,
  )
  const ledgers = await db.query<{ instance: string; counted: string | number }>(
    COUNTED(given.sql),
    given.params,
  )
  const gaps = Map.groupBy(await readGaps(db, instances), ({ instance }) => instance)
  const counted = new Map(ledgers.map((row) => [row.instance, Number(row.counted)]))
  const ranges = Map.groupBy(batches, ({ instance }) => instance)
  return instances.reduce((sum, instance) => {
    const arrivedUpTo = counted.get(instance) ?? 0
    const lacks = [
      ...(gaps.get(instance) ?? []).map(({ from, to }) => [from, to] as const),
      [arrivedUpTo, Infinity] as const,
    ]
    return sum + countOverlap(ranges.get(instance)!, lacks)
  }, 0)
}

/** How many requests lie both in one of the batches and in one of the disjoint `lacks`. */
function countOverlap(
  batches: readonly RequestRange[],
  lacks: readonly (readonly [from: number, to: number])[],
): number {
  let sum = 0
  let counted = 0
  for (const { countedBefore, requestCount } of batches.toSorted(
    (a, b) => a.countedBefore - b.countedBefore,
  )) {
    const [from, to] = [Math.max(countedBefore, counted), countedBefore + requestCount]
    for (const [lackFrom, lackTo] of lacks)
      sum += Math.max(0, Math.min(to, lackTo) - Math.max(from, lackFrom))
    counted = Math.max(counted, to)
  }
  return sum
}
