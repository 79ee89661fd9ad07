import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { HOUR, makeBatch } from '../support/usage/make-batch.ts'
import { startCluster } from '../support/databases/start-cluster.ts'
import { PATIENCE_MS } from '../support/patience.ts'

const FLUSHES = 400
const ROWS = 100

/** The updates of each table that 999 flushes of rows that are there make. */
const UPDATES: Readonly<Record<string, number>> = {
  api_key_analytics: (FLUSHES - 1) * ROWS,
  api_key_analytics_keys: (FLUSHES - 1) * ROWS,
  api_key_analytics_ledger: FLUSHES - 1,
}

test(`PostgreSQL: ${FLUSHES} flushes of the same rows change no index (HOT), and the tables stay small`, async () => {
  // a server of its own: a long transaction in another database would keep the old versions of rows here, too
  const cluster = await startCluster()
  try {
    const { url } = await makeDatabase('postgresql', { server: cluster.url })
    const db = await openDatabase(url)
    const first: Record<string, number> = {}
    await flushSameRows(url, FLUSHES, async () => Object.assign(first, await measureTables(db)))
    const last = await measureTables(db)
    for (const [table, updates] of Object.entries(UPDATES)) {
      const { updated, hot } = await readUpdates(db, table, updates * 0.9)
      expect(hot / updated, `share of HOT updates of ${table}`).toBeGreaterThanOrEqual(0.95)
      expect(last[table]! / first[table]!, `growth of ${table}`).toBeLessThanOrEqual(4)
    }
    await db.close()
  } finally {
    await cluster.remove()
  }
})

test('PostgreSQL: flushers of the same rows take turns, so that waiting for a row keeps no old versions alive', async () => {
  const cluster = await startCluster()
  try {
    const { url } = await makeDatabase('postgresql', { server: cluster.url })
    const db = await openDatabase(url)
    const [flushers, flushes] = [6, 80]
    await Promise.all(Array.from({ length: flushers }, () => flushSameRows(url, flushes)))
    const updates = (flushers * flushes - 1) * ROWS
    const { updated, hot } = await readUpdates(db, 'api_key_analytics', updates * 0.9)
    expect(hot / updated).toBeGreaterThanOrEqual(0.9)
    await db.close()
  } finally {
    await cluster.remove()
  }
})

test('PostgreSQL: a flusher whose machine vanishes holds up the others for five seconds at most', async () => {
  const database = await makeDatabase('postgresql')
  const db = await openDatabase(database.url)
  await db.transaction(async (tx) => {
    expect(await tx.query('show idle_in_transaction_session_timeout')).toEqual([
      { idle_in_transaction_session_timeout: '5s' },
    ])
  }, 'flush')
  expect(await db.query('show idle_in_transaction_session_timeout')).not.toEqual([
    { idle_in_transaction_session_timeout: '5s' },
  ])
  await db.close()
  await database.remove()
})

test(`SQLite: ${FLUSHES} flushes of the same rows add no row and hardly a page to the file, and its log starts anew`, async () => {
  const database = await makeDatabase('sqlite')
  const db = await openDatabase(database.url)
  try {
    const countPages = async () => {
      const [pages] = await db.query<{ page_count: number }>('pragma page_count')
      return pages!.page_count
    }
    let first = 0
    await flushSameRows(database.url, FLUSHES, async () => void (first = await countPages()))
    // the sum has more digits than the first count, and SQLite stores what a number needs
    expect((await countPages()) - first).toBeLessThanOrEqual(2)
    const log = statSync(`${database.url.replace('sqlite:', '')}-wal`)
    // SQLite takes the log over into the file at 1000 pages of 4 kB; the flush that is under way then adds to it
    expect(log.size).toBeLessThan(1500 * 4096)
  } finally {
    await db.close()
    await database.remove()
  }
})

/** Flushes the same cells over and over, as an app with steady traffic does within an hour. */
async function flushSameRows(
  url: string,
  flushes: number,
  afterFirst?: () => Promise<unknown>,
): Promise<void> {
  const store = openStore({ url, pepperCheck: '' })
  const instance = randomUUID()
  const rows = Array.from({ length: ROWS }, (_, index) => ({ key: `key ${index}`, endpoint: '/users/:id' }))
  const same = makeBatch({ instance, rows })
  for (let sequence = 1; sequence <= flushes; sequence++) {
    // a minute later each time, so that every flush also moves the keys' time of last use
    const sealedAt = HOUR + sequence * 60_000
    await store.recordBatch({ ...same, sequence, countedBefore: (sequence - 1) * ROWS, sealedAt })
    if (sequence === 1) await afterFirst?.()
  }
  await store.close()
}

/** Bytes of each table with its indexes. */
async function measureTables(db: Database): Promise<Record<string, number>> {
  const sql = `select relname, pg_total_relation_size(relid)::int as bytes from pg_stat_user_tables`
  const rows = await db.query<{ relname: string; bytes: number }>(sql)
  return Object.fromEntries(rows.map(({ relname, bytes }) => [relname, bytes]))
}

const READ_UPDATES =
  'select n_tup_upd::int as updated, n_tup_hot_upd::int as hot from pg_stat_user_tables where relname = $1'

/** The server counts updates a moment later: waits until `atLeast` have arrived. */
function readUpdates(
  db: Database,
  table: string,
  atLeast: number,
): Promise<{ updated: number; hot: number }> {
  return vi.waitFor(
    async () => {
      const [row] = await db.query<{ updated: number; hot: number }>(READ_UPDATES, [table])
      expect(row?.updated).toBeGreaterThanOrEqual(atLeast)
      return row!
    },
    { timeout: PATIENCE_MS, interval: 100 },
  )
}
