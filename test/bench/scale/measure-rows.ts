import { randomUUID } from 'node:crypto'
import { buildReport } from '../../../src/report/build-report.ts'
import type { ReportRequest, UsageSource } from '../../../src/report/build-report.ts'
import { parsePeriod } from '../../../src/report/period.ts'
import { findStraddlingRows } from '../../../src/store/find-straddling-rows.ts'
import { findUsage } from '../../../src/store/find-usage.ts'
import { openDatabase } from '../../../src/store/open-database.ts'
import type { Database } from '../../../src/store/open-database.ts'
import { openStore } from '../../../src/store/open-store.ts'
import type { UsageStore } from '../../../src/usage.ts'
import type { DatabaseKind } from '../../support/databases.ts'
import { makeBatch } from '../../support/make-batch.ts'
import { timeInTurn } from '../time.ts'
import { fillRows, keyId, KEYS, STEADY_KEY } from './fill-rows.ts'

const HOUR_MS = 3_600_000
const BATCH_ROWS = 1000

/** Milliseconds (medians) on a table with so many rows. */
export interface RowCosts {
  /** A flush of 1000 rows whose cells are there. */
  readonly existing: number
  /** A flush of 1000 rows of an hour that is not there yet. */
  readonly fresh: number
  /** Report of a key that has 720 rows in its 30 days. */
  readonly key: number
  /** Overview of 30 days: reads every third row of the table. */
  readonly overview: number
}

/** Fills an empty database and times it. */
export async function measureRows(
  kind: DatabaseKind,
  url: string,
  { rows, keys, rounds }: { rows: number; keys: number; rounds: number },
): Promise<RowCosts> {
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  await fillRows(kind, { url, rows, now })
  const store = openStore({ url, pepperCheck: '' })
  const db = await openDatabase(url)
  try {
    const flush = startFlushing(store, keys)
    let hour = now
    const period = parsePeriod({ since: '30d' })
    const flushes = await timeInTurn(rounds, {
      existing: () => flush(now),
      fresh: () => flush((hour += HOUR_MS)),
      key: () =>
        report(db, {
          period,
          filter: { keyIds: [keyId(STEADY_KEY)] },
          by: ['method', 'endpoint'],
          withTrend: true,
        }),
    })
    const { overview } = await timeInTurn(3, { overview: () => report(db, { period }) })
    return { ...flushes, overview }
  } finally {
    await store.close()
    await db.close()
  }
}

/** @returns what flushes the next batch of one instance: 1000 rows of so many keys, in the bucket of that hour */
export function startFlushing(store: UsageStore, keys: number): (bucket: number) => Promise<unknown> {
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
      }
    }),
  })
  let sequence = 0
  return (bucket) =>
    store.recordBatch({ ...batch, bucket, countedBefore: sequence * BATCH_ROWS, sequence: ++sequence })
}

function report(db: Database, request: ReportRequest): Promise<unknown> {
  return db.transaction((tx) => {
    const frozen = { ...db, ...tx }
    const source: UsageSource = {
      findUsage: (query) => findUsage(frozen, query),
      findStraddlingRows: (query) => findStraddlingRows(frozen, query),
    }
    return buildReport(source, request)
  }, 'snapshot')
}
