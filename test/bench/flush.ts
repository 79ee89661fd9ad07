/**
 * What a flush costs above its statement: `recordBatch` against the same SQL with the same rows by hand, through `pg`
 * and better-sqlite3, without ledger, keys and our layers: `npm run bench:flush -- [rounds, default 9]`. Each side has
 * its own database; they take turns, and every round flushes the same cells again, as the flushes of an hour do.
 */
import { randomUUID } from 'node:crypto'
import { binOf } from '../../src/model/duration-bins.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Batch } from '../../src/model/batch.ts'
import { DATABASE_KINDS, makeDatabase, type DatabaseKind } from '../support/databases/databases.ts'
import { makeBatch } from '../support/usage/make-batch.ts'
import startSharedCluster from '../support/databases/postgres-cluster.ts'
import { openPostgresql, openSqlite, openSqliteByRow } from './bare-flush.ts'
import { timeInTurn, type Work } from './time.ts'

const SIZES = [1000, 5000, 10_000, 50_000]
const KEYS = 1000
const TARGET = 1.15
const BARE = {
  postgresql: { 'pg, unnest': openPostgresql },
  sqlite: { 'better-sqlite3, json_each': openSqlite, 'better-sqlite3, row by row': openSqliteByRow },
}

const rounds = Number(process.argv[2] ?? 9)
const stopCluster = await startSharedCluster()
try {
  for (const kind of DATABASE_KINDS) for (const size of SIZES) await benchFlush(kind, size)
} finally {
  await stopCluster()
}

async function benchFlush(kind: DatabaseKind, size: number): Promise<void> {
  const batch = makeBatch({ rows: makeCells(size), instance: randomUUID() })
  const database = await makeDatabase(kind)
  const store = openStore({ url: database.url, pepperCheck: '' })
  const others = await Promise.all(
    Object.entries(BARE[kind]).map(async ([name, open]) => {
      const database = await makeDatabase(kind)
      return { name, database, flush: await open(database.url, batch) }
    }),
  )
  const next = numberBatches(batch)
  const bare = Object.fromEntries(others.map(({ name, flush }) => [name, () => flush.write(batch)]))
  const withUnit = await makeDatabase(kind)
  const unitStore = openStore({ url: withUnit.url, pepperCheck: '' })
  const nextWithUnit = numberBatches(
    makeBatch({
      instance: randomUUID(),
      quantitiesBefore: { tokens: 0 },
      rows: makeCells(size).map(addUnit),
    }),
  )
  const works: Record<string, Work> = {
    ours: () => store.recordBatch(next()),
    unit: () => unitStore.recordBatch(nextWithUnit()),
    ...bare,
  }
  // the fastest: what disturbs a round can only add to it
  const { ours = NaN, unit = NaN, ...theirs } = await timeInTurn(rounds, works, (times) => Math.min(...times))
  for (const [name, ms] of Object.entries(theirs)) {
    const ratio = ours / ms
    const figures = `${ours.toFixed(1)} ms against ${ms.toFixed(1)} ms (${name}), ${ratio.toFixed(2)}x`
    const verdict = ratio <= TARGET ? 'OK' : 'TOO MUCH'
    process.stdout.write(`${kind}, ${size} rows: ${figures} ${verdict} (target ${TARGET}x)\n`)
  }
  const more = (unit / ours).toFixed(2)
  process.stdout.write(
    `${kind}, ${size} rows with one unit: ${unit.toFixed(1)} ms, ${more}x of those without\n`,
  )
  await store.close()
  await unitStore.close()
  for (const { flush } of others) await flush.close()
  for (const made of [database, withUnit, ...others.map((other) => other.database)]) await made.remove()
}

/** Four bins for each cell, as a route has that is sometimes slow. */
function makeCells(size: number): Parameters<typeof makeBatch>[0]['rows'] {
  const bin = binOf(900)
  return Array.from({ length: size }, (_, index) => ({
    key: `key ${index % KEYS}`,
    endpoint: `/v1/resource-${Math.floor(index / KEYS)}/:id`,
    requestCount: 10,
    durationUs: 12_000,
    durationBins: [bin, 4, bin + 1, 3, bin + 2, 2, bin + 10, 1],
  }))
}

function addUnit(row: ReturnType<typeof makeCells>[number]): ReturnType<typeof makeCells>[number] {
  return { ...row, quantities: [{ unit: 'tokens', requestCount: 10, quantity: 15_320 }] }
}

/** The same batch again and again, each time as the next one of its instance. */
function numberBatches(batch: Batch): () => Batch {
  let sequence = 0
  return () => {
    sequence += 1
    const times = sequence - 1
    const totals = (batch.units?.totals ?? []).map(({ unit, quantity }) => ({
      unit,
      quantity,
      before: times * quantity,
    }))
    const units = batch.units && { ...batch.units, totals }
    return { ...batch, sequence, countedBefore: times * batch.requestCount, units }
  }
}
