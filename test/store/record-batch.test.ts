import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { openStore } from '../../src/store/open-store.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR, keyIdOf, makeBatch } from '../support/usage/make-batch.ts'
import { runProcess } from '../support/processes/run-process.ts'
import { searchRuns } from '../support/search-runs.ts'

const opened: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function open(
  url: string,
  store: UsageStore = new DatabaseStore({ url, pepperCheck: '' }),
): Promise<{ store: UsageStore; db: Database }> {
  const db = await openDatabase(url)
  opened.push(store, db)
  return { store, db }
}

/** All cells with plain numbers, in one order on both databases. */
async function readCells(db: Database): Promise<unknown[]> {
  const rows = await db.query<Record<string, unknown>>(
    `select k.label, ${db.dialect.millisecondsOf('t.bucket')} as bucket, t.bucket_minutes, t.method, t.endpoint, t.status,
       t.request_count, t.duration_us
     from api_key_analytics t join api_key_analytics_keys k on k.id = t.api_key_id`,
  )
  return rows
    .map(({ label, method, endpoint, ...numbers }) =>
      [label, method, endpoint].concat(Object.values(numbers).map(Number)),
    )
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

async function readKey(db: Database, key: string) {
  const [row] = await db.query<Record<string, string | null>>(
    `select name, owner, ${db.dialect.millisecondsOf('first_seen_at')} as first,
       ${db.dialect.millisecondsOf('last_used_at')} as last
     from api_key_analytics_keys where id = $1`,
    [keyIdOf(key)],
  )
  return {
    name: row!['name'],
    owner: row!['owner'],
    first: Number(row!['first']),
    last: Number(row!['last']),
  }
}

forEachDatabase('recordBatch', (kind, makeUrl) => {
  test('stores every cell of a batch and adds the next batch to it', async () => {
    const { store, db } = await open(await makeUrl())
    const instance = randomUUID()
    const rows = [
      { key: 'a', endpoint: '/users/:id', requestCount: 3, durationUs: 30 },
      { key: 'a', endpoint: '/users/:id', status: 404 },
      { key: 'b', endpoint: '/ünïcödé/😀', method: 'POST', status: 201, requestCount: 7, durationUs: 70 },
    ]
    expect(await store.recordBatch(makeBatch({ instance, rows }))).toBe('applied')
    const second = makeBatch({ instance, sequence: 2, countedBefore: 11, rows: rows.slice(0, 1) })
    expect(await store.recordBatch(second)).toBe('applied')
    expect(await readCells(db)).toEqual([
      ['a', 'GET', '/users/:id', HOUR, 60, 200, 6, 60],
      ['a', 'GET', '/users/:id', HOUR, 60, 404, 1, 1000],
      ['b', 'POST', '/ünïcödé/😀', HOUR, 60, 201, 7, 70],
    ])
  })

  test('counts a batch once however often it is sent', async () => {
    const url = await makeUrl()
    const { store, db } = await open(url)
    const batch = makeBatch({ rows: [{ key: 'a', requestCount: 5 }] })
    expect(await store.recordBatch(batch)).toBe('applied')
    expect(await store.recordBatch(batch)).toBe('applied before')
    // another process that recovers the same file
    const recoverer = await open(url)
    expect(await recoverer.store.recordBatch(batch)).toBe('applied before')
    expect(await readCells(db)).toEqual([['a', 'GET', '/', HOUR, 60, 200, 5, 1000]])
    expect(await verifyUsage(db)).toMatchObject({ storedRequests: 5, deliveredRequests: 5, balanced: true })
  })

  test('stores the counts of a key that was deleted a moment ago, and the key with them', async () => {
    const { store, db } = await open(await makeUrl())
    const instance = randomUUID()
    const rows = [{ key: 'a' }, { key: 'b', requestCount: 2 }]
    await store.recordBatch(makeBatch({ instance, rows }))
    await db.query('delete from api_key_analytics_keys where id = $1', [keyIdOf('a')])
    const second = makeBatch({ instance, sequence: 2, countedBefore: 3, rows })
    expect(await store.recordBatch(second)).toBe('applied')
    expect(await readCells(db)).toEqual([
      ['a', 'GET', '/', HOUR, 60, 200, 1, 1000],
      ['b', 'GET', '/', HOUR, 60, 200, 4, 2000],
    ])
    expect(await store.recordBatch(second)).toBe('applied before')
  })

  test('says exactly how much is missing when batches never arrived, and which requests', async () => {
    const { store, db } = await open(await makeUrl())
    const [first, late] = [randomUUID(), randomUUID()]
    const send = (instance: string, sequence: number, countedBefore: number, requestCount: number) =>
      store.recordBatch(makeBatch({ instance, sequence, countedBefore, rows: [{ key: 'a', requestCount }] }))
    await send(first, 1, 0, 10)
    await send(first, 2, 10, 10)
    await send(first, 5, 27, 10)
    await send(first, 6, 37, 10)
    await send(first, 8, 50, 10)
    await send(late, 4, 100, 1)
    const result = await verifyUsage(db)
    expect(result).toMatchObject({
      storedRequests: 51,
      deliveredRequests: 51,
      missingRequests: 110,
      balanced: true,
    })
    expect(Object.fromEntries(result.instances.map((account) => [account.instance, account]))).toMatchObject({
      [first]: {
        sequence: 8,
        deliveredRequests: 50,
        missingRequests: 10,
        missing: [
          { from: 21, to: 27 },
          { from: 48, to: 50 },
        ],
      },
      [late]: { sequence: 4, deliveredRequests: 1, missingRequests: 100, missing: [{ from: 1, to: 100 }] },
    })
  })

  test('keeps nothing of a batch that the database refuses, and says that trying again is useless', async () => {
    const { store, db } = await open(await makeUrl())
    const rows = Array.from({ length: 1500 }, (_, index) => ({ key: 'a', endpoint: `/${index}` }))
    const endpoint = null as unknown as string
    const refused = makeBatch({ rows: [...rows, { key: 'z', endpoint }] })
    await expect(store.recordBatch(refused)).rejects.toMatchObject({
      code: 'BATCH_REFUSED',
      message: expect.stringContaining(refused.instance),
    })
    expect(await readCells(db)).toEqual([])
    expect(await verifyUsage(db)).toMatchObject({ deliveredRequests: 0, instances: [] })
    expect(await store.findKnownKeys(10)).toEqual([])
  })

  test('refuses no batch for a text, whatever is in it', async () => {
    const { store, db } = await open(await makeUrl())
    const texts = [
      '\0',
      'a\0b',
      '\ud800',
      'b\udc00',
      '\uffff',
      '…',
      '😀',
      '\u202e',
      '"\\\n',
      "'; --",
      'ü'.repeat(250),
    ]
    const rows = texts.map((text, index) => ({ key: `${index}`, endpoint: `/${text}` }))
    const identities = Object.fromEntries(
      texts.map((text, index) => [index, { label: text, name: text, owner: text }]),
    )
    expect(await store.recordBatch(makeBatch({ rows, identities }))).toBe('applied')
    expect(await verifyUsage(db)).toMatchObject({ storedRequests: texts.length, balanced: true })
    expect((await readCells(db)).length).toBe(texts.length)
  })

  test('refuses a batch whose head promises other requests than its rows hold', async () => {
    const { store, db } = await open(await makeUrl())
    const batch = makeBatch({ requestCount: 3, rows: [{ key: 'a', requestCount: 2 }] })
    await expect(store.recordBatch(batch)).rejects.toMatchObject({ code: 'BATCH_REFUSED' })
    expect(await verifyUsage(db)).toMatchObject({ storedRequests: 0, deliveredRequests: 0 })
  })

  test('takes the name that the app said last, and none for nothing', async () => {
    const { store, db } = await open(await makeUrl())
    const send = (minute: number, identity: { name?: string; owner?: string }) =>
      store.recordBatch(
        makeBatch({ rows: [{ key: 'a' }], identities: { a: identity }, sealedAt: HOUR + minute * 60_000 }),
      )
    await send(0, {})
    await send(1, { name: 'Acme web' })
    await send(1, { name: 'Acme app', owner: 'Acme' })
    expect(await readKey(db, 'a')).toMatchObject({ name: 'Acme app', owner: 'Acme' })
    // what an older batch says, and one that says nothing
    await send(0, { name: 'Acme old' })
    await send(9, {})
    expect(await readKey(db, 'a')).toMatchObject({ name: 'Acme app', owner: 'Acme' })
  })

  test('moves the time of last use at most once a minute, and never back', async () => {
    const url = await makeUrl()
    const { store, db } = await open(url)
    const send = (sealedAt: number) => store.recordBatch(makeBatch({ rows: [{ key: 'a' }], sealedAt }))
    await send(HOUR)
    await send(HOUR + 59_999)
    expect(await readKey(db, 'a')).toMatchObject({ first: HOUR, last: HOUR })
    await send(HOUR + 60_000)
    expect(await readKey(db, 'a')).toMatchObject({ first: HOUR, last: HOUR + 60_000 })
    const other = await open(url)
    await other.store.recordBatch(makeBatch({ rows: [{ key: 'a' }], sealedAt: HOUR - 60_000 }))
    expect(await readKey(db, 'a')).toMatchObject({ first: HOUR - 60_000, last: HOUR + 60_000 })
  })

  test('writes a key again that somebody deleted by hand', async () => {
    const { store, db } = await open(await makeUrl())
    const instance = randomUUID()
    await store.recordBatch(makeBatch({ instance, rows: [{ key: 'a' }] }))
    await db.query('delete from api_key_analytics_keys')
    await store.recordBatch(makeBatch({ instance, sequence: 2, countedBefore: 1, rows: [{ key: 'a' }] }))
    expect(await readCells(db)).toEqual([['a', 'GET', '/', HOUR, 60, 200, 1, 1000]])
  })

  test('ten processes add to the same cells at once: the sums are exact and nobody deadlocks', async () => {
    const url = await makeUrl()
    const { db } = await open(url)
    const runs = await Promise.all(Array.from({ length: 10 }, () => runProcess('flush', url, randomUUID())))
    expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0))
    if (kind === 'postgresql') expect(runs.flatMap(({ output }) => JSON.parse(output).busy)).toEqual([])
    const cells = (await readCells(db)) as number[][]
    expect(cells.map((cell) => cell[6])).toEqual(Array.from({ length: 40 }, () => 200))
    expect(await verifyUsage(db)).toMatchObject({ storedRequests: 8000, missingRequests: 0, balanced: true })
  })

  test('verify is balanced at every moment while flushes go on', async () => {
    const url = await makeUrl()
    // in a thread of its own: in this one SQLite would let nobody read meanwhile
    const { store, db } = await open(url, openStore({ url, pepperCheck: '' }))
    const instance = randomUUID()
    let flushed = 0
    const flushing = (async () => {
      for (let sequence = 1; sequence <= 30; sequence++) {
        const rows = Array.from({ length: 50 }, (_, index) => ({ key: `k${index}` }))
        await store.recordBatch(makeBatch({ instance, sequence, countedBefore: flushed, rows }))
        flushed += 50
      }
    })()
    const seen = new Set<number>()
    const isFlushing = () => flushed < 1500
    while (isFlushing()) {
      const { balanced, storedRequests } = await verifyUsage(db)
      expect(balanced).toBe(true)
      seen.add(storedRequests)
      // SQLite answers at once: let the flushes go on
      await nextTurn()
    }
    await flushing
    expect(seen.size).toBeGreaterThan(1)
    expect(await verifyUsage(db)).toMatchObject({ storedRequests: 1500, balanced: true })
  })
})

test('the same batches give the same rows on SQLite and on PostgreSQL', async () => {
  const databases = [await makeDatabase('sqlite'), await makeDatabase('postgresql')]
  const [sqlite, postgresql] = [await open(databases[0]!.url), await open(databases[1]!.url)]
  const row = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    endpoint: fc.oneof(
      fc.constantFrom('/', '/users/:id', "/o'clock", '/"quoted"'),
      fc.string({ unit: 'grapheme' }),
    ),
    method: fc.constantFrom('GET', 'POST'),
    status: fc.constantFrom(200, 404, 599),
    requestCount: fc.integer({ min: 1, max: 2 ** 40 }),
    durationUs: fc.integer({ min: 0, max: 2 ** 40 }),
  })
  const rows = fc.uniqueArray(row, {
    minLength: 1,
    maxLength: 20,
    selector: ({ key, endpoint, method, status }) => JSON.stringify([key, endpoint, method, status]),
  })
  const bucketMinutes = fc.constantFrom(1 as const, 60 as const, 1440 as const)
  const batch = fc.record({
    rows: rows.map(withoutNul),
    bucketMinutes,
    instance: fc.uuid(),
    sequence: fc.integer({ min: 1, max: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { maxLength: 4 }), async (batches) => {
      for (const content of batches) {
        const made = makeBatch(content)
        expect(await sqlite.store.recordBatch(made)).toBe(await postgresql.store.recordBatch(made))
      }
      expect(await readCells(sqlite.db)).toEqual(await readCells(postgresql.db))
    }),
    { numRuns: searchRuns(25) },
  )
  expect(await verifyUsage(sqlite.db)).toMatchObject({ balanced: true })
  for (const one of opened.splice(0)) await one.close()
  for (const database of databases) await database.remove()
})

/** As the capture side hands endpoints over. */
function withoutNul<T extends { endpoint: string }>(rows: T[]): T[] {
  return rows.filter(({ endpoint }) => !endpoint.includes('\0'))
}
