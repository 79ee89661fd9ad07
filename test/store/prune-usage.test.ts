import { afterEach, beforeEach, expect, test } from 'vitest'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { listKeys } from '../../src/store/read/find-keys.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { listLateUsage } from '../../src/store/read/list-late-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { countPrunable, pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { streamUsage } from '../../src/store/read/stream-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { deliverUsage, keyIdOf } from '../support/usage/fill-usage.ts'
import type { RowToFill } from '../support/usage/fill-usage.ts'
import { findWrongSums } from '../support/usage/find-wrong-sums.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { startWriter } from '../support/usage/start-writer.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.UTC(2026, 9, 1)

forEachDatabase('maintenance', (_kind, makeUrl) => {
  let url: string
  let db: Database
  let store: UsageStore
  beforeEach(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    store = new DatabaseStore({ url, pepperCheck: '' })
    await store.connect()
  })
  afterEach(async () => {
    await store.close()
    await db.close()
  })

  /** Three keys, `hours` hours, `endpoints` rows of 2 requests each. */
  const fill = async (hours: number, endpoints: number): Promise<number> => {
    const rows: RowToFill[] = []
    for (const key of [1, 2, 3]) {
      for (let hour = 0; hour < hours; hour++) {
        for (let i = 0; i < endpoints; i++) {
          rows.push({
            key,
            bucket: START + hour * HOUR,
            endpoint: `/${String(i).padStart(5, '0')}`,
            requests: 2,
          })
        }
      }
    }
    await deliverUsage(store, rows)
    return rows.length * 2
  }

  /** What `verify` says, and the rows that are left. */
  const account = async (): Promise<{ stored: number; removed: number; rows: number }> => {
    const { storedRequests, prunedRequests, balanced } = await verifyUsage(db)
    expect(balanced).toBe(true)
    expect(await findWrongSums(db)).toEqual([])
    const [found] = await db.query<{ rows: string }>('select count(*) as rows from api_key_analytics')
    return { stored: storedRequests, removed: prunedRequests, rows: Number(found?.rows) }
  }

  const log = async (): Promise<unknown[]> =>
    (
      await db.query<Record<string, string | null>>(
        `select action, api_key_id, row_count, request_count, ${db.dialect.millisecondsOf('before')} as before
from api_key_analytics_prunes order by id`,
      )
    ).map((row) => [
      row['action'],
      row['api_key_id'],
      Number(row['row_count']),
      Number(row['request_count']),
      row['before'] && Number(row['before']),
    ])

  test('prunes rows that end by the border, counts them before, and logs them in one row', async () => {
    const all = await fill(48, 2)
    await deliverUsage(store, [{ key: 1, bucket: START, minutes: 1440, requests: 7 }])
    const before = new Date(START + 12 * HOUR + 1)
    const prunable = await countPrunable(db, { before })
    expect(prunable).toEqual({
      rows: 72,
      requests: 144,
      from: new Date(START),
      to: new Date(START + 12 * HOUR),
    })
    expect(await pruneUsage(db, { before })).toEqual({ rows: 72, requests: 144 })
    expect(await account()).toEqual({ stored: all + 7 - 144, removed: 144, rows: 36 * 6 + 1 })
    expect(await log()).toEqual([['prune', null, 72, 144, before.getTime()]])
    expect(await countPrunable(db, { before })).toEqual({ rows: 0, requests: 0, from: null, to: null })
    expect(await pruneUsage(db, { before })).toEqual({ rows: 0, requests: 0 })
    expect(await log()).toHaveLength(1)
  })

  test('prunes some keys only, each logged', async () => {
    await fill(3, 1)
    const order = { before: new Date(START + DAY), keyIds: [keyIdOf(1), keyIdOf(3)] }
    expect(await countPrunable(db, order)).toMatchObject({ rows: 6, requests: 12 })
    expect(await pruneUsage(db, order)).toEqual({ rows: 6, requests: 12 })
    expect(await log()).toEqual([
      ['prune', keyIdOf(1), 3, 6, START + DAY],
      ['prune', keyIdOf(3), 3, 6, START + DAY],
    ])
    expect((await findUsage(db, { by: ['key'] })).map(({ key }) => key?.id)).toEqual([keyIdOf(2)])
  })

  test('splits one huge bucket into bounded transactions, and balances after each when it is broken off', async () => {
    const all = await fill(1, 9000)
    const before = new Date(START + DAY)
    const stop = new AbortController()
    const steps: number[] = []
    const pruning = pruneUsage(db, {
      before,
      signal: stop.signal,
      onProgress: ({ rows }) => {
        steps.push(rows)
        stop.abort(new Error('enough'))
      },
    })
    await expect(pruning).rejects.toThrow('enough')
    // a whole key at a time: at most one key more than a full chunk
    expect(steps).toEqual([18_000])
    expect(await account()).toEqual({ stored: all - 36_000, removed: 36_000, rows: 9000 })
    expect(await pruneUsage(db, { before })).toEqual({ rows: 9000, requests: 18_000 })
    expect(await account()).toEqual({ stored: 0, removed: all, rows: 0 })
  })

  test('tells how much is done, from nearly nothing to all', async () => {
    await fill(50, 300)
    const done: number[] = []
    await pruneUsage(db, {
      before: new Date(START + 50 * HOUR),
      onProgress: (progress) => done.push(progress.done),
    })
    expect(done.length).toBeGreaterThan(3)
    expect(done).toEqual(done.toSorted((a, b) => a - b))
    expect(done.at(0)).toBeLessThan(0.5)
    expect(done.at(-1)).toBe(1)
  })

  test('rolls whole days up without changing any total, and again when counts came late', async () => {
    const all = await fill(50, 2)
    await deliverUsage(store, [{ key: 1, bucket: START, minutes: 1, endpoint: '/00000', requests: 5 }])
    const sums = async () =>
      (await findUsage(db, { by: ['key', 'day', 'endpoint', 'method', 'status'] })).map((row) =>
        Object.assign(row, { lastBucket: null }),
      )
    const before = await sums()
    const rolledUp = await rollUpUsage(db, { before: new Date(START + 2 * DAY + 5 * HOUR) })
    expect(rolledUp).toEqual({ rowsBefore: 48 * 6 + 1, rowsAfter: 12, requests: 48 * 12 + 5 })
    expect(await sums()).toEqual(before)
    expect(await account()).toEqual({ stored: all + 5, removed: 0, rows: 12 + 12 })
    expect(await log()).toEqual([['roll up', null, 289, 581, START + 2 * DAY]])

    await deliverUsage(store, [{ key: 2, bucket: START + HOUR, endpoint: '/00001', requests: 9 }])
    expect(await rollUpUsage(db, { before: new Date(START + DAY) })).toEqual({
      rowsBefore: 1,
      rowsAfter: 1,
      requests: 9,
    })
    expect(await account()).toMatchObject({ stored: all + 14, rows: 24 })
  })

  test('rolls one key up and leaves the others as they are', async () => {
    const total = await fill(24, 3)
    const rolledUp = await rollUpUsage(db, { before: new Date(START + DAY), keyId: keyIdOf(2) })
    expect(rolledUp).toEqual({ rowsBefore: 24 * 3, rowsAfter: 3, requests: 24 * 6 })
    expect(await log()).toEqual([['roll up', keyIdOf(2), 72, 144, START + DAY]])
    expect(await account()).toEqual({ stored: total, removed: 0, rows: 3 + 2 * 24 * 3 })
    const ofKey = await Array.fromAsync(streamUsage(db, { keyIds: [keyIdOf(2)] }))
    expect(ofKey.flat().map(({ bucketMinutes }) => bucketMinutes)).toEqual([1440, 1440, 1440])
  })

  test('rolls up the rest after it was broken off within a day', async () => {
    const all = await fill(2, 6000)
    const stop = new AbortController()
    const first = rollUpUsage(db, {
      before: new Date(START + DAY),
      signal: stop.signal,
      onProgress: () => stop.abort(),
    })
    await expect(first).rejects.toThrow('abort')
    expect(await account()).toEqual({ stored: all, removed: 0, rows: 6000 + 24_000 })
    expect(await rollUpUsage(db, { before: new Date(START + DAY) })).toMatchObject({
      rowsBefore: 24_000,
      rowsAfter: 12_000,
    })
    expect(await account()).toEqual({ stored: all, removed: 0, rows: 18_000 })
  })

  test('names counts that came after their time was pruned or rolled up', async () => {
    await fill(60, 1)
    await rollUpUsage(db, { before: new Date(START + 2 * DAY) })
    await pruneUsage(db, { before: new Date(START + DAY) })
    expect(await listLateUsage(db)).toEqual([])
    await deliverUsage(store, [
      { key: 1, bucket: START, requests: 3 },
      { key: 1, bucket: START + DAY, requests: 4 },
      { key: 1, bucket: START + 3 * DAY, requests: 5 },
    ])
    expect(await listLateUsage(db)).toEqual([
      { action: 'prune', before: new Date(START + DAY), keyId: null, rows: 1, requests: 3 },
      { action: 'roll up', before: new Date(START + 2 * DAY), keyId: null, rows: 2, requests: 7 },
    ])
  })

  test('forgets a key and all its rows, logged, in bounded transactions', async () => {
    const all = await fill(6, 3000)
    expect(await forgetKey(db, keyIdOf(2))).toEqual({ rows: 18_000, requests: 36_000 })
    expect(await account()).toEqual({ stored: all - 36_000, removed: 36_000, rows: 36_000 })
    expect(await log()).toEqual([['forget', keyIdOf(2), 18_000, 36_000, null]])
    expect((await listKeys(db)).map(({ id }) => id)).toEqual([keyIdOf(1), keyIdOf(3)])
    expect(await forgetKey(db, keyIdOf(2))).toEqual({ rows: 0, requests: 0 })
    expect(await log()).toHaveLength(1)
  })

  test.for([
    ['prune', (): Promise<unknown> => pruneUsage(db, { before: new Date(START + DAY) })],
    ['roll up', (): Promise<unknown> => rollUpUsage(db, { before: new Date(START + DAY) })],
    ['forget', (): Promise<unknown> => forgetKey(db, keyIdOf(1))],
  ] as const)(
    'loses no count and blocks no writer when it must %s under constant flushes',
    async ([action, work], { annotate }) => {
      // several transactions each, also for one key of three
      await fill(action === 'forget' ? 40 : 24, 1200)
      // into one of the same buckets, rows that are there and rows that are new
      const endpoints = Array.from({ length: 200 }, (_, i) => `/${String(1100 + i).padStart(5, '0')}`)
      const bucket = START + 12 * HOUR
      const rows = [1, 2, 3].flatMap((key) => endpoints.map((endpoint) => ({ key, bucket, endpoint })))
      const writer = await startWriter(url, rows)
      const flushes = writer.flushes()
      const start = performance.now()
      await work()
      const tookMs = Math.round(performance.now() - start)
      await annotate(`${action}: ${tookMs} ms, longest flush meanwhile ${Math.round(writer.longestMs())} ms`)
      // in one transaction it would let at most the flush through that had begun before
      expect(writer.flushes() - flushes).toBeGreaterThan(1)
      await work()
      await writer.stop()
      expect((await account()).removed > 0).toBe(action !== 'roll up')
    },
  )
})
