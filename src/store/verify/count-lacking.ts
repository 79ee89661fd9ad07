import { rangeOf } from '../../model/batch.ts'
import type { Batch } from '../../model/batch.ts'
import { readGaps } from '../write/ledger-gaps.ts'
import type { Gap } from '../write/ledger-gaps.ts'
import type { Database } from '../database/open-database.ts'

/** What a batch counted, and what its instance had counted before. */
export type CountedRange = Pick<Batch, 'instance' | 'countedBefore' | 'requestCount' | 'units'>

/** What the database does not have of some batches. */
export interface Lacking {
  readonly requests: number
  /** By unit. */
  readonly quantities: ReadonlyMap<string, number>
}

const COUNTED = (given: string) => `
select instance, request_count + missing as requests, addition_count + missing_additions as additions
from api_key_analytics_ledger
where instance in (select instance from ${given})`

const COUNTED_QUANTITIES = (given: string) => `
select instance, unit, quantity + missing as quantity
from api_key_analytics_ledger_units
where instance in (select instance from ${given})`

/** What the ledger has of an instance, up to its last batch. */
interface Arrived {
  readonly requests: number
  readonly additions: number
  readonly quantities: ReadonlyMap<string, number>
  readonly gaps: readonly Gap[]
}

const NOTHING: Arrived = { requests: 0, additions: 0, quantities: new Map(), gaps: [] }

/**
 * Counts what some batches have and the database does not; copies of a batch count once. Of a batch that lies in a gap
 * in part, all quantities count: the ledger does not know which of them are in that part.
 */
export async function countLacking(db: Database, batches: readonly CountedRange[]): Promise<Lacking> {
  const arrived = await readArrived(db, [...new Set(batches.map(({ instance }) => instance))])
  let requests = 0
  const quantities = new Map<string, number>()
  for (const batch of leaveOutCopies(batches)) {
    const lacking = lackingOf(batch, arrived.get(batch.instance) ?? NOTHING)
    requests += lacking.requests
    for (const [unit, quantity] of lacking.quantities)
      if (quantity > 0) quantities.set(unit, (quantities.get(unit) ?? 0) + quantity)
  }
  return { requests, quantities }
}

/** Copies of a batch begin at the same number, and the longest has all of it. */
function leaveOutCopies(batches: readonly CountedRange[]): CountedRange[] {
  const copies = Map.groupBy(batches, (batch) => `${batch.instance} ${rangeOf(batch).from}`)
  return [...copies.values()].map((some) => some.reduce((a, b) => (rangeOf(b).to > rangeOf(a).to ? b : a)))
}

function lackingOf(batch: CountedRange, arrived: Arrived): Lacking {
  const { from, to } = rangeOf(batch)
  const { countedBefore, requestCount, units } = batch
  const inGaps = arrived.gaps.reduce(
    (sum, gap) => sum + Math.max(0, Math.min(to, gap.to) - Math.max(from, gap.from)),
    0,
  )
  if (inGaps > 0) {
    const totals = (units?.totals ?? []).map(({ unit, quantity }) => [unit, quantity] as const)
    return { requests: Math.min(requestCount, inGaps), quantities: new Map(totals) }
  }
  const quantities = (units?.totals ?? []).map(({ unit, before, quantity }) => {
    return [unit, overlap(before, before + quantity, arrived.quantities.get(unit) ?? 0)] as const
  })
  return {
    requests: overlap(countedBefore, countedBefore + requestCount, arrived.requests),
    quantities: new Map(quantities),
  }
}

/** How much of what was counted from one number to another lies behind what has arrived. */
const overlap = (from: number, to: number, arrived: number): number =>
  Math.max(0, to - Math.max(from, arrived))

async function readArrived(db: Database, instances: readonly string[]): Promise<Map<string, Arrived>> {
  if (instances.length === 0) return new Map()
  const given = db.dialect.givenRows(
    { instance: 'uuid' },
    instances.map((instance) => [instance]),
    1,
  )
  const ledgers = await db.query<Record<'instance' | 'requests' | 'additions', string | number>>(
    COUNTED(given.sql),
    given.params,
  )
  const units = await db.query<Record<'instance' | 'unit' | 'quantity', string | number>>(
    COUNTED_QUANTITIES(given.sql),
    given.params,
  )
  const gaps = Map.groupBy(await readGaps(db, instances), ({ instance }) => instance)
  return new Map(
    ledgers.map(({ instance, requests, additions }) => {
      const quantities = units
        .filter((row) => row.instance === instance)
        .map(({ unit, quantity }) => [String(unit), Number(quantity)] as const)
      const arrived = {
        requests: Number(requests),
        additions: Number(additions),
        quantities: new Map(quantities),
        gaps: gaps.get(String(instance)) ?? [],
      }
      return [String(instance), arrived] as const
    }),
  )
}
