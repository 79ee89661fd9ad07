import { randomUUID } from 'node:crypto'
import { buildReport } from '../../../src/report/usage/build-report.ts'
import type { ReportRequest } from '../../../src/report/usage/build-report.ts'
import { parsePeriod } from '../../../src/time/period.ts'
import { atOneMoment } from '../../../src/report/usage/usage-source.ts'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { openStore } from '../../../src/store/open-store.ts'
import type { UsageStore } from '../../../src/store/usage-store.ts'
import type { DatabaseKind } from '../../support/databases/databases.ts'
import { makeBatch } from '../../support/usage/make-batch.ts'
import { timeInTurn } from '../time.ts'
import type { Work } from '../time.ts'
import { fillRows, keyId, KEYS, STEADY_KEY, UNIT } from './fill-rows.ts'

const HOUR_MS = 3_600_000
const BATCH_ROWS = 1000
const QUANTITY = 5
/** Customers that call 20 operations each within a flush. */
const USUAL_KEYS = 50

/** What is timed on a table. */
export type RowCost =
  /** a flush of 1000 rows of 50 keys whose cells are there: the same whatever the size */
  | 'existing'
  /** a flush of 1000 rows of 50 keys in an hour that is not there yet: the same whatever the size */
  | 'fresh'
  /** a flush of one row of each of 1000 keys: grows until each of them is on a page of its own, and then no more */
  | 'scattered'
  /** the report of a key that has 720 rows in its 30 days: the same whatever the size */
  | 'key'
  /** the overview of 30 days: reads every third row of the table, so it grows with them */
  | 'overview'
  /** the same with a unit: a flush of 1000 rows that are there, the report of the key, the overview */
  | 'existingUnit'
  | 'keyUnit'
  | 'overviewUnit'

/** Milliseconds (medians) at each size; those of a unit only when asked for. */
export type CostsBySize = Readonly<Partial<Record<RowCost, readonly number[]>>>

/**
 * Fills an empty, migrated database for each size and times them in turn, so that whatever else the machine does falls
 * on all of them.
 */
export async function measureRows(
  kind: DatabaseKind,
  urls: readonly string[],
  { sizes, rounds, withUnits }: { sizes: readonly number[]; rounds: number; withUnits: boolean },
): Promise<CostsBySize> {
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  for (const [index, url] of urls.entries())
    await fillRows(kind, { url, rows: sizes[index]!, now, withUnits })
  const tables = await Promise.all(urls.map((url) => openTable(url, now)))
  try {
    return {
      ...(await timeEach(rounds, tables, ['existing', 'fresh', 'scattered', 'key'])),
      ...(withUnits && (await timeEach(rounds, tables, ['existingUnit', 'keyUnit']))),
      // of the largest table it takes a while
      ...(await timeEach(3, tables, withUnits ? ['overview', 'overviewUnit'] : ['overview'])),
    }
  } finally {
    for (const table of tables) await table.close()
  }
}

type Table = Readonly<Record<RowCost, Work>> & { close(): Promise<void> }

async function openTable(url: string, now: number): Promise<Table> {
  const store = openStore({ url, pepperCheck: '' })
  const db = await openDatabase(url)
  const [flush, flushScattered] = [startFlushing(store, USUAL_KEYS), startFlushing(store, BATCH_ROWS)]
  const flushUnit = startFlushing(store, USUAL_KEYS, UNIT)
  const period = parsePeriod({ since: '30d' })
  const ofKey = {
    filter: { keyIds: [keyId(STEADY_KEY)] },
    by: ['method', 'endpoint'],
    withTrend: true,
  } as const
  let hour = now
  return {
    existing: () => flush(now),
    fresh: () => flush((hour += HOUR_MS)),
    scattered: () => flushScattered(now),
    key: () => report(db, { period, ...ofKey }),
    overview: () => report(db, { period }),
    existingUnit: () => flushUnit(now),
    keyUnit: () => report(db, { period, unit: UNIT, ...ofKey }),
    overviewUnit: () => report(db, { period, unit: UNIT }),
    async close() {
      await store.close()
      await db.close()
    },
  }
}

async function timeEach<Cost extends RowCost>(
  rounds: number,
  tables: readonly Table[],
  costs: readonly Cost[],
): Promise<Record<Cost, number[]>> {
  const works = tables.flatMap((table, size) =>
    costs.map((cost) => [`${cost} ${size}`, table[cost]] as const),
  )
  const taken = await timeInTurn(rounds, Object.fromEntries(works))
  const bySize = (cost: Cost) => tables.map((_, size) => taken[`${cost} ${size}`]!)
  return Object.fromEntries(costs.map((cost) => [cost, bySize(cost)])) as Record<Cost, number[]>
}

/** @returns what flushes the next batch of one instance: 1000 rows of so many keys, in the bucket of that hour; with a unit each has a quantity */
export function startFlushing(
  store: UsageStore,
  keys: number,
  unit?: string,
): (bucket: number) => Promise<unknown> {
  const batch = makeBatch({
    instance: randomUUID(),
    identities: Object.fromEntries(
      Array.from({ length: keys }, (_, key) => [key, { id: keyId(key * (KEYS / keys)) }]),
    ),
    rows: Array.from({ length: BATCH_ROWS }, (_, row) => {
      const key = row % keys
      return {
        key: String(key),
        keyId: keyId(key * (KEYS / keys)),
        endpoint: `/v2/flushed-${Math.floor(row / keys)}`,
        ...(unit && { quantities: [{ unit, requestCount: 1, quantity: QUANTITY }] }),
      }
    }),
  })
  let sequence = 0
  return (bucket) => {
    const before = sequence * BATCH_ROWS
    const totals = unit ? [{ unit, before: before * QUANTITY, quantity: BATCH_ROWS * QUANTITY }] : []
    const units = unit ? { additionsBefore: 0, additionCount: 0, totals } : undefined
    return store.recordBatch({
      ...batch,
      bucket,
      countedBefore: before,
      sequence: ++sequence,
      ...(units && { units }),
    })
  }
}

function report(db: Database, request: ReportRequest): Promise<unknown> {
  return atOneMoment(db, (source) => buildReport(source, request))
}
