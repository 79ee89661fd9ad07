import { IsolationLevel } from '@mikro-orm/core'
import type { SqlMikroORM } from '@mikro-orm/sql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiKeyAnalytics } from '../../src/analytics.ts'
import type { Usage } from '../../src/model/usage.ts'
import { ApiKeyAnalytics, ApiKeyAnalyticsKey } from '../../src/orm.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { getOrm } from '../../src/store/get-orm.ts'
import { openStore } from '../../src/store/open-store.ts'
import { openUsage } from '../../src/open-usage.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { PGBOUNCER } from '../support/find-installed.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { makeBatch } from '../support/usage/make-batch.ts'
import { startPgBouncer } from '../support/databases/start-pgbouncer.ts'
import type { PgBouncer } from '../support/databases/start-pgbouncer.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const KEY = testKey(1, 'sk_1', { name: 'Jobs' })
/** What each database answers to a statement that writes. */
const REFUSED = /cannot write|read-only transaction/

/** Every way to a statement that a program may try. */
const WRITES: Readonly<Record<string, (orm: SqlMikroORM) => Promise<unknown>>> = {
  'a changed entity': async ({ em }) => {
    const fork = em.fork()
    const key = await fork.findOneOrFail(ApiKeyAnalyticsKey, { id: KEY.id })
    key.name = 'changed'
    await fork.flush()
  },
  nativeUpdate: ({ em }) => em.fork().nativeUpdate(ApiKeyAnalyticsKey, { id: KEY.id }, { name: 'x' }),
  nativeDelete: ({ em }) => em.fork().nativeDelete(ApiKeyAnalytics, {}),
  'a transaction': ({ em }) =>
    em.fork().transactional((tx) => tx.execute('delete from api_key_analytics_ledger')),
  'a serializable transaction': ({ em }) =>
    em.fork().transactional((tx) => tx.execute('delete from api_key_analytics_ledger'), {
      isolationLevel: IsolationLevel.SERIALIZABLE,
    }),
  'a nested transaction': ({ em }) =>
    em
      .fork()
      .transactional((tx) => tx.transactional((inner) => inner.execute('delete from api_key_analytics'))),
  'a statement': ({ em }) => em.execute("update api_key_analytics_keys set name = 'x'"),
  'a write that returns rows': ({ em }) => em.execute('delete from api_key_analytics returning endpoint'),
  'a new table': ({ em }) => em.execute('create table another (id int)'),
  kysely: ({ em }) => (em.fork() as unknown as Kysely).getKysely().deleteFrom('api_key_analytics').execute(),
  'the schema generator': ({ schema }) => schema.drop(),
  'a migration down': ({ migrator }) => migrator.down(),
}

interface Kysely {
  getKysely(): { deleteFrom(table: string): { execute(): Promise<unknown> } }
}

forEachDatabase('the MikroORM of getOrm', (kind, makeUrl) => {
  let url: string
  let usage: Usage
  beforeAll(async () => {
    url = await makeUrl()
    await storeUsage(url, [
      { key: KEY, bucket: '2026-10-01T00:00:00Z', requests: 3 },
      { key: KEY, bucket: '2026-10-02T00:00:00Z', requests: 4 },
    ])
    usage = await openUsage({ database: url })
  })
  afterAll(() => usage.close())

  test.each(Object.keys(WRITES))('refuses %s', async (name) => {
    await expect(WRITES[name]!(getOrm(usage))).rejects.toThrow(REFUSED)
    expect(await usage.findUsage({})).toMatchObject([{ requestCount: 7 }])
    expect(await usage.findKeys('Jobs')).toHaveLength(1)
  })

  test('reads in every way that MikroORM has', async () => {
    const orm = getOrm(usage)
    expect(getOrm(usage)).toBe(orm)
    const em = orm.em.fork()
    const rows = await em.find(ApiKeyAnalytics, { apiKey: KEY.id }, { orderBy: { bucket: 'asc' } })
    expect(rows.map(({ requestCount }) => requestCount)).toEqual([3, 4])
    const counts = await Promise.all(Array.from({ length: 12 }, () => em.fork().count(ApiKeyAnalytics)))
    expect(new Set(counts)).toEqual(new Set([2]))
    const streamed: number[] = []
    for await (const { requestCount } of em.stream(ApiKeyAnalytics, { orderBy: { bucket: 'desc' } })) {
      streamed.push(requestCount)
    }
    expect(streamed).toEqual([4, 3])
    const sum = 'select sum(request_count) as sum from api_key_analytics'
    const twice = await em.transactional(
      async (tx) => [await tx.execute(sum), await tx.transactional((inner) => inner.execute(sum))],
      { isolationLevel: IsolationLevel.REPEATABLE_READ },
    )
    expect(twice.map(([row]) => Number(row!['sum']))).toEqual([7, 7])
  })

  test('gives connections back: what is opened for writing still writes', async () => {
    const key = testKey(2, 'sk_2')
    await storeUsage(url, [{ key, bucket: '2026-10-03T00:00:00Z', requests: 5 }])
    expect(await getOrm(usage).em.fork().count(ApiKeyAnalytics, { apiKey: key.id })).toBe(1)
    const db = await openDatabase(url)
    await db.query('delete from api_key_analytics where api_key_id = $1', [key.id])
    await db.close()
    expect(await getOrm(usage).em.fork().count(ApiKeyAnalytics, { apiKey: key.id })).toBe(0)
  })

  test('is over with its Usage', async () => {
    const other = await openUsage({ database: url })
    const orm = getOrm(other)
    await orm.close()
    expect(await other.findKeys('Jobs')).toHaveLength(1)
    await other.close()
    await expect(orm.em.fork().count(ApiKeyAnalytics)).rejects.toThrow(
      kind === 'sqlite' ? /not open/ : /pool/,
    )
  })
})

test('the MikroORM of a database in memory cannot write either, while the app counts into it', async () => {
  const analytics = apiKeyAnalytics({ database: ':memory:' })
  analytics.addEndpointAccess({ id: 'key_1', name: 'Jobs' }, 'POST /jobs')
  const usage = await analytics.usage()
  await expect(getOrm(usage).em.fork().nativeDelete(ApiKeyAnalytics, {})).rejects.toThrow(REFUSED)
  analytics.addEndpointAccess({ id: 'key_1', name: 'Jobs' }, 'POST /jobs')
  await analytics.flush()
  expect(await usage.findUsage({})).toMatchObject([{ requestCount: 2 }])
  expect(await getOrm(usage).em.fork().count(ApiKeyAnalytics)).toBe(1)
})

describe.skipIf(!PGBOUNCER).each(['transaction', 'session'])(
  'the MikroORM of getOrm through PgBouncer with one connection per %s',
  (mode) => {
    let database: TestDatabase
    let pooler: PgBouncer
    let usage: Usage
    beforeAll(async () => {
      database = await makeDatabase('postgresql')
      await storeUsage(database.url, [{ key: KEY, bucket: '2026-10-01T00:00:00Z', requests: 7 }])
      // in session mode a client keeps its connection to the server, and the writer below needs one too
      const size = mode === 'transaction' ? 1 : 6
      pooler = await startPgBouncer(database.url, [`pool_mode = ${mode}`, `default_pool_size = ${size}`])
      usage = await openUsage(pooler.url)
    })
    afterAll(async () => {
      await usage?.close()
      await pooler?.stop()
      await database?.remove()
    })

    test.each(Object.keys(WRITES))('refuses %s', async (name) => {
      await expect(WRITES[name]!(getOrm(usage))).rejects.toThrow(REFUSED)
      expect(await usage.findUsage({})).toMatchObject([{ requestCount: 7 }])
    })

    test('leaves nothing on the connection: who gets it next may write', async () => {
      const store = openStore({ url: pooler.url, pepperCheck: '' })
      for (const sequence of [1, 2, 3]) {
        expect(await getOrm(usage).em.fork().count(ApiKeyAnalyticsKey)).toBe(sequence)
        const batch = makeBatch({ rows: [{ key: `k${sequence}` }] })
        expect(await store.recordBatch(batch)).toBe('applied')
      }
      await store.close()
    })
  },
)
