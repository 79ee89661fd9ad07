import { beforeEach, afterEach, expect, test } from 'vitest'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { findRoutes } from '../../src/store/routes/find-routes.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR, makeBatch } from '../support/usage/make-batch.ts'

const HOUR_MS = 3_600_000

forEachDatabase('calls of routes', (_kind, makeUrl) => {
  let store: DatabaseStore
  let db: Database

  beforeEach(async () => {
    const url = await makeUrl()
    store = new DatabaseStore({ url, pepperCheck: '' })
    db = await openDatabase(url)
  })
  afterEach(async () => {
    await store.close()
    await db.close()
  })

  const register = (...names: string[]) => {
    const routes = names.map((endpoint) => ({ endpoint, method: 'GET' }))
    return store.registerRoutes({ routes, release: null, at: HOUR })
  }
  const lastCalls = async () =>
    (await findRoutes(db, db.dialect)).map(
      ({ endpoint, lastCalledAt }) =>
        `${endpoint} ${lastCalledAt ? (lastCalledAt.getTime() - HOUR) / HOUR_MS : '-'}`,
    )
  const rows = (count: number, from = 0) =>
    Array.from({ length: count }, (_none, n) => ({
      key: 'a',
      endpoint: `/p/${String(n + from).padStart(6, '0')}`,
    }))

  test('are noted in a batch of more endpoints than are looked up at once', async () => {
    await register('/p/000000', '/p/004999', '/p/005000', '/p/011999', '/p/999999')
    await store.recordBatch(makeBatch({ rows: rows(12_000) }))
    expect(await lastCalls()).toEqual([
      '/p/000000 0',
      '/p/004999 0',
      '/p/005000 0',
      '/p/011999 0',
      '/p/999999 -',
    ])
  })

  test('are noted in minutes, hours and days, at the start of the hour or day', async () => {
    await register('/p/000000', '/p/000001', '/p/000002')
    const [minute, day] = [HOUR + 2 * HOUR_MS + 17 * 60_000, HOUR - 9 * HOUR_MS]
    await store.recordBatch(makeBatch({ rows: rows(1), bucket: minute, bucketMinutes: 1 }))
    await store.recordBatch(makeBatch({ rows: rows(1, 1) }))
    await store.recordBatch(makeBatch({ rows: rows(1, 2), bucket: day, bucketMinutes: 1440 }))
    expect(await lastCalls()).toEqual(['/p/000000 2', '/p/000001 0', '/p/000002 -9'])
  })

  test('of a batch that is refused are not noted, and are when it comes again', async () => {
    await register('/p/000000')
    const batch = makeBatch({ rows: rows(1) })
    const wrong = { ...batch, requestCount: 2 }
    await expect(store.recordBatch(wrong)).rejects.toMatchObject({ code: 'BATCH_REFUSED' })
    expect(await lastCalls()).toEqual(['/p/000000 -'])
    await store.recordBatch(batch)
    expect(await lastCalls()).toEqual(['/p/000000 0'])
  })

  test('are noted once an hour, also for a route that is registered within the hour', async () => {
    await register('/other')
    await store.recordBatch(makeBatch({ rows: rows(1) }))
    await register('/p/000000')
    await store.recordBatch(makeBatch({ rows: rows(1) }))
    expect(await lastCalls()).toEqual(['/other -', '/p/000000 0'])
    // the process remembers that it is noted
    await db.query('update api_key_analytics_routes set last_called_at = null')
    await store.recordBatch(makeBatch({ rows: rows(1) }))
    expect(await lastCalls()).toEqual(['/other -', '/p/000000 -'])
    await store.recordBatch(makeBatch({ rows: rows(1), bucket: HOUR + HOUR_MS }))
    expect(await lastCalls()).toEqual(['/other -', '/p/000000 1'])
  })
})
