import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { AnalyticsError } from '../../src/model/errors.ts'
import { migrate } from '../../src/store/database/migrate.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { StoreOptions } from '../../src/store/database-store.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { WorkerStart } from '../../src/store/thread/worker-messages.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { OTHER_KEY } from '../../src/model/key.ts'
import { createDatabase, dropDatabase, makeDatabase } from '../support/databases/databases.ts'
import { copyEmbeddedPostgres } from '../support/databases/find-postgres.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR, keyIdOf, makeBatch } from '../support/usage/make-batch.ts'
import { replaceExport } from '../support/replace-export.ts'
import { runProcess, startProcess } from '../support/processes/run-process.ts'
import { CLUSTER_PASSWORD, startCluster } from '../support/databases/start-cluster.ts'

/** Every worker thread that a store of this file has started, and with what. */
const workers: Worker[] = []
const workerData: unknown[] = []
class KnownWorker extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args)
    workers.push(this)
    workerData.push(args[1]?.workerData)
  }
}
const putBack = replaceExport('node:worker_threads', 'Worker', KnownWorker)
afterAll(putBack)

const stores: UsageStore[] = []
afterAll(async () => {
  for (const store of stores) await store.close()
})

function open(url: string, pepperCheck = '', limits: StoreOptions['limits'] = {}): UsageStore {
  const store = openStore({ url, pepperCheck, limits })
  stores.push(store)
  return store
}

async function verify(url: string) {
  const db = await openDatabase(url)
  try {
    return await verifyUsage(db)
  } finally {
    await db.close()
  }
}

const pathOf = (url: string) => url.slice('sqlite:'.length)

forEachDatabase('openStore', (kind, makeUrl) => {
  test('knows the database again by its id', async () => {
    const [url, other] = [await makeUrl(), await makeUrl()]
    const facts = await open(url).connect()
    expect(await open(url).connect()).toEqual(facts)
    expect((await open(other).connect()).databaseId).not.toBe(facts.databaseId)
  })

  test('takes the first pepper for the right one, and tells any other from it', async () => {
    const url = await makeUrl()
    const matches = async (pepperCheck: string) => (await open(url, pepperCheck).connect()).pepperMatches
    expect(await matches('')).toBe(true)
    expect(await matches('mine')).toBe(true)
    expect(await matches('mine')).toBe(true)
    expect(await matches('other')).toBe(false)
    expect(await matches('')).toBe(false)
  })

  test('finds the keys used last, and not the reserved ones', async () => {
    const store = open(await makeUrl())
    for (const [minute, key] of ['a', 'b', 'c'].entries()) {
      await store.recordBatch(makeBatch({ rows: [{ key }], sealedAt: HOUR + minute }))
    }
    const other = { id: OTHER_KEY.id, label: OTHER_KEY.label }
    const batch = makeBatch({
      rows: [{ key: 'o', keyId: other.id }],
      identities: { o: other },
      sealedAt: HOUR + 9,
    })
    await store.recordBatch(batch)
    expect(await store.findKnownKeys(2)).toEqual([keyIdOf('c'), keyIdOf('b')])
    expect(await store.findKnownKeys(10)).toHaveLength(3)
  })

  test('finishes the flush that is under way before it closes', async () => {
    const url = await makeUrl()
    const store = open(url)
    await store.connect()
    const rows = Array.from({ length: 3000 }, (_, index) => ({ key: 'a', endpoint: `/${index}` }))
    const flush = store.recordBatch(makeBatch({ rows }))
    await Promise.all([expect(flush).resolves.toBe('applied'), store.close()])
    expect(await verify(url)).toMatchObject({ storedRequests: 3000, balanced: true })
  })

  test('sends nothing to another database that took the place of the one it knew', async () => {
    const url = await makeUrl()
    const store = open(url)
    const { databaseId } = await store.connect()
    const instance = randomUUID()
    await store.recordBatch(makeBatch({ instance, rows: [{ key: 'a' }] }))
    await replaceDatabase(url)
    const next = makeBatch({ instance, sequence: 2, countedBefore: 1, rows: [{ key: 'a' }] })
    await expect
      .poll(() => store.recordBatch(next).catch(({ code }: { code: string }) => code))
      .toBe('DATABASE_CHANGED')
    const facts = await store.connect()
    expect(facts.databaseId).not.toBe(databaseId)
    expect(await verify(url)).toMatchObject({ storedRequests: 0, deliveredRequests: 0 })
  })

  async function replaceDatabase(url: string): Promise<void> {
    if (kind === 'sqlite') {
      rmSync(dirname(pathOf(url)), { recursive: true })
      return
    }
    await dropDatabase(url)
    await createDatabase(url)
    await migrate(url)
  }

  test('a worker thread that dies fails its flush, and the next flush has another one', async () => {
    const url = await makeUrl()
    const store = open(url)
    await store.connect()
    const batch = makeBatch({ rows: [{ key: 'a' }] })
    const flush = store.recordBatch(batch)
    const dying = workers.at(-1)!
    await Promise.all([expect(flush).rejects.toMatchObject({ code: 'DATABASE_FAILED' }), dying.terminate()])
    expect(['applied', 'applied before']).toContain(await store.recordBatch(batch))
    expect(workers.at(-1)).not.toBe(dying)
    expect(await verify(url)).toMatchObject({ storedRequests: 1, balanced: true })
  })

  test('gives the app its own errors, with what the database said as their cause', async () => {
    const store = open(await makeUrl())
    const batch = makeBatch({ rows: [{ key: 'a', status: 70_000, endpoint: null as never }] })
    const error = await store.recordBatch(batch).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(AnalyticsError)
    expect(error).toMatchObject({
      code: 'BATCH_REFUSED',
      cause: { code: 'DATABASE_FAILED', cause: { code: expect.stringMatching(/^\w+$/) } },
    })
    // it happened in the other thread
    expect((error as Error).stack).toContain('at async answerCall ')
  })

  test('does not keep an idle process alive', async () => {
    const { code, output } = await runProcess('open-and-forget', await makeUrl())
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  })
})

test('ten processes may open one new SQLite file at once and flush to it', async () => {
  const database = await makeDatabase('sqlite', { migrated: false })
  const runs = await Promise.all(
    Array.from({ length: 10 }, () => runProcess('flush', database.url, randomUUID())),
  )
  expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0))
  expect(await verify(database.url)).toMatchObject({
    storedRequests: 8000,
    missingRequests: 0,
    balanced: true,
  })
  await database.remove()
})

test('the embedded file and its folder are for their user alone', async () => {
  const database = await makeDatabase('sqlite', { migrated: false })
  const path = `${dirname(pathOf(database.url))}/data/usage.db`
  await open(`sqlite:${path}`).connect()
  expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
  expect((statSync(dirname(path)).mode & 0o777).toString(8)).toBe('700')
  await database.remove()
})

test('an SQLite file that another process has locked stops neither the event loop nor later flushes', async () => {
  const database = await makeDatabase('sqlite')
  const store = open(database.url, '', { lockWaitMs: 300 })
  await store.connect()
  const holder = startProcess('hold-lock', pathOf(database.url))
  await once(holder.stdout!, 'data')
  const batch = makeBatch({ rows: [{ key: 'a' }] })
  let turns = 0
  const timer = setInterval(() => turns++)
  // waits for the lock as long as it is worth it
  await expect(store.recordBatch(batch)).rejects.toMatchObject({ code: 'DATABASE_BUSY' })
  clearInterval(timer)
  // in this thread SQLite would have let no turn of the event loop by
  expect(turns).toBeGreaterThan(5)
  const exited = once(holder, 'exit')
  holder.stdin!.write('go')
  await exited
  expect(await store.recordBatch(batch)).toBe('applied')
  await database.remove()
})

test("servers are looked up as the app has set, in the store's thread too", async () => {
  const attemptMs = getDefaultAutoSelectFamilyAttemptTimeout()
  setDefaultAutoSelectFamilyAttemptTimeout(4321)
  const database = await makeDatabase('sqlite')
  await open(database.url).connect()
  setDefaultAutoSelectFamilyAttemptTimeout(attemptMs)
  const { network } = workerData.at(-1) as WorkerStart
  expect(network.autoSelectFamilyAttemptTimeoutMs).toBe(4321)
  const module = JSON.stringify(
    new URL('../../src/store/database/postgresql/network-defaults.ts', import.meta.url).href,
  )
  const script = `import(${module}).then(({ setNetworkDefaults, readNetworkDefaults }) => {
    const { workerData, parentPort } = require('node:worker_threads')
    setNetworkDefaults(workerData)
    parentPort.postMessage(readNetworkDefaults())
  })`
  const [set] = await once(new Worker(script, { eval: true, workerData: network }), 'message')
  expect(set).toEqual(network)
  await database.remove()
})

test('PostgreSQL is never migrated by an app, and serves as soon as somebody has', async () => {
  const database = await makeDatabase('postgresql', { migrated: false })
  const store = open(database.url)
  const batch = makeBatch({ rows: [{ key: 'a' }] })
  await expect(store.connect()).rejects.toMatchObject({ code: 'DATABASE_NOT_MIGRATED' })
  await expect(store.recordBatch(batch)).rejects.toMatchObject({ code: 'DATABASE_NOT_MIGRATED' })
  await migrate(database.url)
  expect(await store.recordBatch(batch)).toBe('applied')
  await store.close()
  await database.remove()
})

test.each([
  ['of the machine', undefined],
  ['from npm', copyEmbeddedPostgres],
])('a batch outlives stops and crashes of a PostgreSQL %s, and is counted once', async (_, findPrograms) => {
  const cluster = await startCluster(findPrograms ? { findPrograms } : {})
  const database = await makeDatabase('postgresql', { server: cluster.url })
  const store = open(database.url)
  const instance = randomUUID()
  await store.recordBatch(makeBatch({ instance, rows: [{ key: 'a' }] }))
  for (const [index, mode] of (['fast', 'immediate', 'kill'] as const).entries()) {
    const batch = makeBatch({ instance, sequence: index + 2, countedBefore: index + 1, rows: [{ key: 'a' }] })
    await cluster.stop(mode)
    // what served our connection lives on for a moment when its master is killed
    await expect
      .poll(() => store.connect().catch(({ code }: { code: string }) => code))
      .toBe('DATABASE_UNREACHABLE')
    await expect(store.recordBatch(batch)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
    await cluster.start()
    expect(await store.recordBatch(batch)).toBe('applied')
    expect(await store.recordBatch(batch)).toBe('applied before')
  }
  expect(await verify(database.url)).toMatchObject({ storedRequests: 4, missingRequests: 0, balanced: true })
  await store.close()
  await cluster.remove()
})

test('a store that is closed leaves no connection to PostgreSQL behind', async () => {
  const database = await makeDatabase('postgresql')
  const [store, db] = [open(database.url), await openDatabase(database.url)]
  await store.recordBatch(makeBatch({ rows: [{ key: 'a' }] }))
  const count = async () => {
    const [row] = await db.query<{ count: string }>(
      "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'apikey-analytics'",
    )
    return Number(row?.count)
  }
  expect(await count()).toBe(2)
  await store.close()
  // the server takes a moment to see that it was left
  await expect.poll(count).toBe(1)
  await db.close()
  await database.remove()
})

test('a wrong password is said in one line without any password', async () => {
  const cluster = await startCluster()
  const url = new URL(cluster.url)
  url.password = 'wr0ng-secret'
  const error: unknown = await open(url.href)
    .connect()
    .catch((error: unknown) => error)
  expect(error).toMatchObject({
    code: 'DATABASE_REFUSED',
    message: expect.stringContaining('Check user, password'),
  })
  expect((error as Error).message).not.toMatch(new RegExp(`wr0ng-secret|${CLUSTER_PASSWORD}|\n`))
  await cluster.remove()
})
