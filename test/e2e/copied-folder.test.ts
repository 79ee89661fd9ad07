import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { CounterBuffer } from '../../src/buffer/counter-buffer.ts'
import { CounterFile } from '../../src/buffer/file/counter-file.ts'
import { fileBytes, shapeFor } from '../../src/buffer/file/counter-layout.ts'
import { heapMemory } from '../../src/buffer/file/counter-memory.ts'
import { setAsideDir } from '../../src/buffer/folder/data-dir.ts'
import { deliverSetAside } from '../../src/buffer/set-aside/deliver-set-aside.ts'
import { Flusher } from '../../src/buffer/flusher.ts'
import { ProcessFolder } from '../../src/buffer/folder/process-folder.ts'
import { targetOf } from '../../src/options/database-target.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'
import { readAccount } from '../../src/report/account/read-account.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { identify } from '../support/usage/counting-process.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { recover } from '../support/crash/recover.ts'
import { serveAnalytics } from '../support/apps/serve-analytics.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  folders.push(folder)
  return folder
}

/** As `cp -a` does, while the app counts. */
function copyFolder(dataDir: string): string {
  const copy = makeFolder()
  cpSync(dataDir, copy, { recursive: true, preserveTimestamps: true })
  return copy
}

/** An app whose first flush, by itself, is over. */
async function serveFlushed(options: Parameters<typeof serveAnalytics>[0]) {
  const app = await serveAnalytics(options)
  await app.analytics.flush()
  return app
}

/** What `verify` says of a database and a data folder. */
async function account(url: string, dataDir: string) {
  const db = await openDatabase(url)
  const { storedRequests, missingRequests, undeliveredRequests, accountedFor } = await readAccount(
    db,
    dataDir,
  )
  await db.close()
  return [storedRequests, missingRequests, undeliveredRequests, accountedFor]
}

forEachDatabase('a copied data folder', (_, makeUrl) => {
  test('is delivered before its original: the original delivers the rest', async () => {
    const database = await makeUrl()
    await using app = await serveFlushed({ database })
    await app.request(627)
    const copy = copyFolder(app.dataDir)
    await app.request(650)
    expect(await recover(database, copy)).toBe(627)
    expect(await account(database, app.dataDir)).toEqual([627, 0, 650, true])
    await app.analytics.flush()
    expect(app.analytics.stats().flushed).toBe(1277)
    expect(await account(database, app.dataDir)).toEqual([1277, 0, 0, true])
    expect(app.errors).toEqual([])
  })

  test('is delivered after its original, and once more from a copy of the copy', async () => {
    const database = await makeUrl()
    await using app = await serveFlushed({ database })
    await app.request(20)
    const copy = copyFolder(app.dataDir)
    const copyOfCopy = copyFolder(copy)
    await app.request(30)
    await app.analytics.flush()
    await recover(database, copy)
    await app.request(5)
    await app.analytics.flush()
    await recover(database, copyOfCopy)
    expect(await account(database, app.dataDir)).toEqual([55, 0, 0, true])
  })

  test('is the folder of an app of its own while the original lives', async () => {
    const database = await makeUrl()
    await using app = await serveFlushed({ database })
    await app.request(20)
    const copy = copyFolder(app.dataDir)
    await using other = await serveAnalytics({ database, dataDir: copy })
    await other.request(7, { key: 'other' })
    await app.request(10)
    // its flush delivers its own counts and recovers what lies in its folder
    await other.analytics.flush()
    expect(await account(database, copy)).toEqual([27, 0, 0, true])
    expect(await account(database, app.dataDir)).toEqual([27, 0, 10, true])
    await app.analytics.flush()
    expect(await account(database, app.dataDir)).toEqual([37, 0, 0, true])
    expect([...app.errors, ...other.errors]).toEqual([])
  })

  test('has free files, which count nothing, and goes on after its original used them again', async () => {
    const database = await makeUrl()
    await using app = await serveFlushed({ database, bucket: 'minute' })
    await app.request(3)
    // two buckets later the first file is retired, delivered and free
    app.passTime(60_000)
    await app.request(3)
    app.passTime(60_000)
    await app.request(3)
    await app.analytics.flush()
    const copy = copyFolder(app.dataDir)
    for (let time = 0; time < 4; time += 1) {
      app.passTime(60_000)
      await app.request(5)
    }
    expect(await recover(database, copy)).toBe(0)
    await app.analytics.flush()
    expect(await account(database, app.dataDir)).toEqual([29, 0, 0, true])
  })
})

/** A process whose counter file is the same instance as that of others, as after a clone of the running machine. */
function startClone(url: string, dataDir: string, instance: string) {
  const errors: AnalyticsError[] = []
  const report = (error: AnalyticsError) => void errors.push(error)
  const target = targetOf(describeDatabaseUrl(url), dataDir)
  const folder = new ProcessFolder({ dataDir, bucketMinutes: 60, target, units: [], mapped: true, report })
  let opened = 0
  const buffer = new CounterBuffer({
    files: {
      open(slots, bucket) {
        const shape = shapeFor(slots)
        const cloned = () =>
          CounterFile.create(
            heapMemory(fileBytes(shape)),
            { ...shape, bucketMinutes: 60, instance, target, units: [] },
            bucket,
          )
        return opened++ === 0 ? cloned() : folder.open(slots, bucket)
      },
      release: (file) => folder.release(file),
    },
    bucketMinutes: 60,
    maxKeys: 100,
    maxEndpointsPerKey: 100,
    now: Date.now,
    onRotate: () => {},
  })
  const store = openStore({ url, pepperCheck: '' })
  const limits = { flushIntervalMs: 3_600_000, maxKeys: 100, onKnownKeys: () => {} }
  const flusher = new Flusher({ buffer, folder, store, dataDir, report, now: Date.now, ...limits })
  return {
    errors,
    flush: () => flusher.flush(),
    close: () => flusher.close(),
    count(times: number) {
      const [key, operation] = [toCountedKey(identify('a')), toCountedOperation('GET', '/x')]
      for (let time = 0; time < times; time += 1) buffer.count(key, operation, 200, 1000)
    },
  }
}

forEachDatabase('a machine that was cloned while its app ran', (_, makeUrl) => {
  test('is found by its counts: they are set aside until a person adopts them, verify fails, and it goes on under a new instance', async () => {
    const database = await makeUrl()
    const [dataDir, otherDir] = [makeFolder(), makeFolder()]
    const instance = '11111111-2222-4333-8444-555555555555'
    const [original, clone] = [
      startClone(database, dataDir, instance),
      startClone(database, otherDir, instance),
    ]
    original.count(10)
    clone.count(14)
    await original.flush()
    await clone.flush()
    expect(clone.errors.map(({ code }) => code)).toContain('INSTANCE_COPIED')
    expect(await account(database, otherDir)).toEqual([10, 0, 0, false])
    const kept = readdirSync(setAsideDir(otherDir))
    expect(kept).toEqual([`${instance}-1.json`])
    clone.count(5)
    original.count(1)
    await original.flush()
    await clone.flush()
    expect(await account(database, dataDir)).toEqual([16, 0, 0, true])
    expect(readdirSync(setAsideDir(otherDir))).toEqual(kept)
    expect(existsSync(setAsideDir(dataDir))).toBe(false)
    const store = openStore({ url: database, pepperCheck: '' })
    const parts = {
      dataDir: otherDir,
      store,
      report: (error: AnalyticsError) => void reported.push(error.code),
    }
    const reported: string[] = []
    expect(await deliverSetAside({ ...parts, adopt: false })).toMatchObject({ batches: 0 })
    expect(reported).toEqual(['INSTANCE_COPIED'])
    expect(await deliverSetAside({ ...parts, adopt: true })).toEqual({ requests: 14, batches: 1 })
    expect(await account(database, otherDir)).toEqual([30, 0, 0, true])
    await store.close()
    await original.close()
    await clone.close()
  })
})
