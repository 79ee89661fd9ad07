import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { NO_QUOTAS } from '../../src/model/quota.ts'
import { setAsideDir } from '../../src/buffer/folder/data-dir.ts'
import { deliverDataDir } from '../../src/buffer/deliver-data-dir.ts'
import { inspectDataDir } from '../../src/buffer/folder/inspect-data-dir.ts'
import { targetOf } from '../../src/options/database-target.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'
import { migrate } from '../../src/store/database/migrate.ts'
import { openStore } from '../../src/store/open-store.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { startCounting } from '../support/usage/counting-process.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { copyDatabase, emptyDatabase, runByHand } from '../support/databases/replace-database.ts'
import { readAccount, serveAnalytics } from '../support/apps/serve-analytics.ts'

const codes = (errors: readonly AnalyticsError[]) => [...new Set(errors.map(({ code }) => code))]

/** A process that counted 5 requests and died; when `tried`, while its batch was on its way to the database. */
async function leaveBatch(dataDir: string, url: string, tried: boolean): Promise<void> {
  const store = openStore({ url, pepperCheck: '' })
  const failing: UsageStore = {
    connect: () => store.connect(),
    recordBatch: () => Promise.reject(new Error('killed here')),
    findKnownKeys: (limit) => store.findKnownKeys(limit),
    findQuotas: async () => NO_QUOTAS,
    registerRoutes: async () => {},
    findDeprecations: async () => [],
    close: () => store.close(),
  }
  const { count, flush, crash } = startCounting({
    dataDir,
    store: failing,
    target: targetOf(describeDatabaseUrl(url), dataDir),
    now: Date.now,
  })
  for (let time = 0; time < 5; time += 1) count('acme')
  if (tried) await flush().catch(() => {})
  crash()
  await store.close()
}

/** What `apikey-analytics flush` does. */
async function deliver(dataDir: string, url: string, adopt: boolean): Promise<readonly string[]> {
  const errors: AnalyticsError[] = []
  const store = openStore({ url, pepperCheck: '' })
  await deliverDataDir({ dataDir, store, adopt, report: (error) => void errors.push(error) })
  await store.close()
  return codes(errors)
}

async function countWaiting(dataDir: string): Promise<number> {
  const { waiting } = await inspectDataDir(dataDir)
  return waiting.reduce((sum, { requestCount }) => sum + requestCount, 0)
}

forEachDatabase('a wrong turn', (kind, makeUrl) => {
  test('a database restored from an older copy shows as missing exactly what it lost', async () => {
    const database = await makeUrl()
    await using app = await serveAnalytics({ database })
    await app.request(10)
    await app.analytics.flush()
    const restore = await copyDatabase(database)
    await app.request(7)
    await app.analytics.flush().catch(() => app.analytics.flush())
    expect((await readAccount(database)).storedRequests).toBe(17)
    await restore()
    await app.request(4)
    // the first try may only find out that its connection is gone
    for (let time = 0; time < 3; time += 1) await app.analytics.flush().catch(() => {})
    const account = await readAccount(database)
    expect(account).toMatchObject({ storedRequests: 14, missingRequests: 7, balanced: true })
    expect(account.instances[0]!.missing).toEqual([{ from: 11, to: 17 }])
    expect(app.analytics.stats().pending).toBe(0)
  })

  test('a batch tried on a database that was replaced by an empty one is held until somebody says adopt', async () => {
    const database = await makeUrl()
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    await leaveBatch(dataDir, database, true)
    await emptyDatabase(database)
    await migrate(database)
    expect(await deliver(dataDir, database, false)).toEqual(['DATABASE_CHANGED'])
    expect(await countWaiting(dataDir)).toBe(5)
    expect((await readAccount(database)).storedRequests).toBe(0)
    expect(await deliver(dataDir, database, true)).toEqual([])
    expect(await countWaiting(dataDir)).toBe(0)
    expect(await readAccount(database)).toMatchObject({
      storedRequests: 5,
      missingRequests: 0,
      balanced: true,
    })
    rmSync(dataDir, { recursive: true })
  })

  test.each([
    ['tried on the former database', true],
    ['never tried', false],
  ])('when DATABASE_URL changes while a batch waits, one that was %s is held for it', async (_, tried) => {
    const [former, next] = [await makeUrl(), await makeUrl()]
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    await leaveBatch(dataDir, former, tried)
    {
      await using app = await serveAnalytics({ database: next, dataDir })
      await app.request(3)
      await app.analytics.flush()
      expect(codes(app.errors)).toEqual(['DATABASE_CHANGED'])
      expect((await readAccount(next)).storedRequests).toBe(3)
      expect(await deliver(dataDir, former, false)).toEqual([])
      expect((await readAccount(former)).storedRequests).toBe(5)
      expect(await countWaiting(dataDir)).toBe(0)
    }
  })

  test('a batch that the database refuses is set aside and shows as a gap, and the later ones arrive', async () => {
    const database = await makeUrl()
    await using app = await serveAnalytics({ database })
    await app.request(2)
    await app.analytics.flush()
    const refuse =
      kind === 'sqlite'
        ? `create trigger odd before insert on api_key_analytics when new.endpoint = '/2' begin select raise(abort, 'odd'); end`
        : `alter table api_key_analytics add constraint odd check (endpoint <> '/2')`
    await runByHand(database, refuse)
    await app.request(9)
    await app.analytics.flush()
    expect(codes(app.errors)).toEqual(['BATCH_REFUSED'])
    expect(readdirSync(setAsideDir(app.dataDir))).toHaveLength(1)
    await app.request(2)
    await app.analytics.flush()
    expect(await readAccount(database)).toMatchObject({
      storedRequests: 4,
      missingRequests: 9,
      balanced: true,
    })
    expect(app.analytics.stats().pending).toBe(0)
  })

  test('rows of keys that are deleted by hand come back with the next request', async () => {
    const database = await makeUrl()
    await using app = await serveAnalytics({ database })
    await app.request(3)
    await app.analytics.flush()
    // takes the usage along, as the tables say: the accounts show that somebody did
    await runByHand(database, 'delete from api_key_analytics')
    await runByHand(database, 'delete from api_key_analytics_keys')
    await app.request(4)
    await app.analytics.flush()
    expect(codes(app.errors)).toEqual([])
    const account = await readAccount(database)
    expect(account).toMatchObject({
      storedRequests: 4,
      deliveredRequests: 7,
      missingRequests: 0,
      balanced: false,
    })
  })

  test('an app whose data folder is deleted under it warns, counts on in a new one and loses nothing', async () => {
    const database = await makeUrl()
    await using app = await serveAnalytics({ database })
    await app.request(5)
    await app.analytics.flush()
    rmSync(app.dataDir, { recursive: true })
    await app.request(6)
    app.passTime(60_000)
    await app.analytics.flush()
    expect(codes(app.errors)).toEqual(['DATA_DIR_UNWRITABLE'])
    expect(existsSync(app.dataDir)).toBe(true)
    await app.request(8)
    expect(await countWaiting(app.dataDir)).toBe(8)
    await app.analytics.flush()
    expect(await readAccount(database)).toMatchObject({
      storedRequests: 19,
      missingRequests: 0,
      balanced: true,
    })
    expect(app.analytics.stats().pending).toBe(0)
  })
})

test('an app whose data folder is deleted while the database is away counts on in a new one', async () => {
  const away = 'postgres://127.0.0.1:1/away'
  await using app = await serveAnalytics({ database: away, flushIntervalMs: 100 })
  await app.request(5)
  rmSync(app.dataDir, { recursive: true })
  app.passTime(60_000)
  await expect.poll(() => existsSync(app.dataDir)).toBe(true)
  await app.request(6)
  expect(await countWaiting(app.dataDir)).toBe(6)
  expect(codes(app.errors)).toContain('DATA_DIR_UNWRITABLE')
})

test('an app whose data folder is deleted with the embedded database in it starts a new one and is exact from there', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  const database = `sqlite:${join(dataDir, 'usage.db')}`
  await using app = await serveAnalytics({ database, dataDir })
  await app.request(5)
  await app.analytics.flush()
  rmSync(dataDir, { recursive: true })
  await app.request(6)
  app.passTime(60_000)
  await app.analytics.flush().catch(() => {})
  await app.analytics.flush()
  await app.request(8)
  await app.analytics.flush()
  const account = await readAccount(database)
  expect(account).toMatchObject({ storedRequests: 14, missingRequests: 5, balanced: true })
  expect(app.analytics.stats().pending).toBe(0)
})
