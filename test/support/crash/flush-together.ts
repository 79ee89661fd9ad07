import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import { verifyUsage } from '../../../src/store/verify/verify-usage.ts'
import { QUANTITY_PER_REQUEST } from '../usage/make-batch.ts'
import { startProcess } from '../processes/run-process.ts'

/** What processes that flushed the same cells at once left behind. */
export interface FlushedTogether {
  /** From the moment when all were ready until the last had ended, milliseconds. */
  readonly ms: number
  /** Flushes that were tried again: SQLite's lock was held for too long, or PostgreSQL ended a deadlock (40P01). */
  readonly retries: number
  /** Whether every cell holds what was flushed into it, and `verify` agrees. */
  readonly exact: boolean
}

/**
 * Lets `processes` flush the same cells into a migrated, empty database, each `flushes` times and all at once, after
 * `warmUp` flushes each that are not timed.
 */
export async function flushTogether(
  url: string,
  {
    processes,
    flushes,
    cells,
    warmUp = 0,
  }: { processes: number; flushes: number; cells: number; warmUp?: number },
): Promise<FlushedTogether> {
  const flushers = Array.from({ length: processes }, () => {
    return startProcess('flush-cells', url, ...[cells, warmUp, flushes].map(String))
  })
  const ended = flushers.map((flusher) => once(flusher, 'exit') as Promise<[number | null]>)
  const outputs = flushers.map((flusher) => createInterface(flusher.stdout!)[Symbol.asyncIterator]())
  await Promise.all(outputs.map((lines) => lines.next()))
  const start = performance.now()
  for (const flusher of flushers) flusher.stdin!.end()
  const results = await Promise.all(outputs.map((lines) => lines.next()))
  const ms = performance.now() - start
  const codes = await Promise.all(ended)
  if (codes.some(([code]) => code !== 0)) throw new Error(`Flushers ended with ${codes.join(', ')}.`)
  return {
    ms,
    retries: results.reduce((sum, { value }) => sum + Number(value), 0),
    exact: await isExact(url, processes * (warmUp + flushes), cells),
  }
}

const CELLS = `
select count(*) as cells, min(request_count) as least, max(request_count) as most
from api_key_analytics`

async function isExact(url: string, perCell: number, cells: number): Promise<boolean> {
  const db = await openDatabase(url)
  try {
    const [found] = await db.query<Record<'cells' | 'least' | 'most', number | string>>(CELLS)
    const { balanced, missingRequests, storedRequests, units } = await verifyUsage(db)
    const quantity = BigInt(cells * perCell * QUANTITY_PER_REQUEST)
    const hasUnits = units.length === 2 && units.every(({ stored }) => stored === quantity)
    const sums = [found!.cells, found!.least, found!.most, storedRequests].map(Number)
    const expected = [cells, perCell, perCell, cells * perCell]
    return String(sums) === String(expected) && hasUnits && balanced && missingRequests === 0
  } finally {
    await db.close()
  }
}
