import type { Batch } from '../usage.ts'
import { ApiKeyAnalyticsGap } from './entities/api-key-analytics-gap.ts'
import { ApiKeyAnalyticsLedger } from './entities/api-key-analytics-ledger.ts'
import type { Database } from './open-database.ts'

/** Which requests of an instance: `requestCount` of them after `countedBefore`. */
export type RequestRange = Pick<Batch, 'instance' | 'countedBefore' | 'requestCount'>

/** Counts the requests of some batches that the database does not have, copies of a batch once. */
export async function countLacking(db: Database, batches: readonly RequestRange[]): Promise<number> {
  const instances = [...new Set(batches.map(({ instance }) => instance))]
  const em = db.orm.em.fork()
  const ledgers = await em.find(ApiKeyAnalyticsLedger, { instance: { $in: instances } })
  const gaps = Map.groupBy(
    await em.find(ApiKeyAnalyticsGap, { instance: { $in: instances } }, { orderBy: { countedFrom: 'asc' } }),
    ({ instance }) => instance,
  )
  const counted = new Map(ledgers.map((row) => [row.instance, row.requestCount + row.missing]))
  const ranges = Map.groupBy(batches, ({ instance }) => instance)
  return instances.reduce((sum, instance) => {
    const arrivedUpTo = counted.get(instance) ?? 0
    const lacks = [
      ...(gaps.get(instance) ?? []).map(({ countedFrom, countedTo }) => [countedFrom, countedTo] as const),
      [arrivedUpTo, Infinity] as const,
    ]
    return sum + countOverlap(ranges.get(instance)!, lacks)
  }, 0)
}

/** How many requests lie in any of the batches and in any of the disjoint `lacks`. */
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
