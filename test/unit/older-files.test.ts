import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CounterFile } from '../../src/buffer/counter-file.ts'
import { heapMemory } from '../../src/buffer/counter-memory.ts'
import { countersDir } from '../../src/buffer/data-dir.ts'
import { deliverDataDir } from '../../src/buffer/deliver-data-dir.ts'
import { lockFolder } from '../../src/buffer/folder-lock.ts'
import { inspectDataDir } from '../../src/buffer/inspect-data-dir.ts'
import { listProcessFolders } from '../../src/buffer/recovery.ts'
import { binOf, UNMEASURED_BIN } from '../../src/duration-bins.ts'
import { migrate } from '../../src/store/migrate.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { verifyUsage } from '../../src/store/verify-usage.ts'
import type { UsageStore } from '../../src/usage.ts'
import { HOUR, keyIdOf } from '../support/make-batch.ts'
import { keepingStore } from '../support/keeping-store.ts'

const HOUR_MS = 3_600_000
/** What each batch of `leave-files.ts` holds, and the one request of the last. */
const BATCH = 60

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const folderOf = (version: number) => join(countersDir(dataDir), `version-${version}`)

/** The bytes of a file that a version left, see `support/older-files/leave-files.ts`. */
function readFileOf(version: number, name: string): Buffer {
  const path = `../support/older-files/version-${version}/${name}.counts.gz`
  return gunzipSync(readFileSync(new URL(path, import.meta.url)))
}

/** Puts such files into the folder of one dead process. @returns their paths */
function leaveFiles(version: number, ...names: readonly string[]): string[] {
  const folder = folderOf(version)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'lock'), '')
  return names.map((name, index) => {
    const path = join(folder, `${index + 1}.counts`)
    writeFileSync(path, readFileOf(version, name))
    return path
  })
}

/** The histogram of requests that took so many microseconds; version 1 had none. */
function binsOf(version: number, durationsUs: readonly number[]): number[] {
  const bins = durationsUs.map((durationUs) => (version === 1 ? UNMEASURED_BIN : binOf(durationUs)))
  return [...Map.groupBy(bins, (bin) => bin)].flatMap(([bin, same]) => [bin, same.length])
}

async function recover(store: UsageStore): Promise<number> {
  const report = (error: Error) => {
    throw error
  }
  return (await deliverDataDir({ dataDir, store, adopt: false, report })).requests
}

describe.each([1, 2])('counter files of version %i', (version) => {
  test('are delivered batch by batch and removed, with what was known of how long requests took', async () => {
    leaveFiles(version, 'waiting-1', 'waiting-2')
    const store = keepingStore()
    expect(await recover(store)).toBe(3 * BATCH + 1)
    expect(listProcessFolders(dataDir)).toEqual([])
    expect(store.isConsecutive()).toBe(true)
    expect(store.requestsByBucket()).toEqual({ [HOUR]: 2 * BATCH, [HOUR + HOUR_MS]: BATCH + 1 })
    expect(store.batches.map(({ rows }) => rows.length)).toEqual([20, 20, 20, 1])
    for (const { durationBins, requestCount } of store.rows()) {
      expect(durationBins.filter((_, index) => index % 2 === 1).reduce((a, b) => a + b)).toBe(requestCount)
      expect(durationBins.includes(UNMEASURED_BIN)).toBe(version === 1)
    }
    // each batch: milliseconds 0 to 59; the last request took 7
    expect(store.rows().reduce((sum, { durationUs }) => sum + durationUs, 0)).toBe(3 * 1_770_000 + 7000)
    expect(store.batches[0]!.rows).toContainEqual({
      keyId: keyIdOf('kéy 2'),
      method: 'GET',
      endpoint: '/things/18/:id',
      status: 404,
      requestCount: 3,
      durationUs: (18 + 38 + 58) * 1000,
      durationBins: binsOf(version, [18_000, 38_000, 58_000]),
    })
    expect(store.batches[0]!.keys).toContainEqual({
      id: keyIdOf('kéy 2'),
      label: 'kéy 2',
      name: null,
      owner: 'ACME "GmbH" 😀',
    })
  })

  test('come into a real database exactly once, whatever was delivered of them before', async () => {
    const url = `sqlite:${join(dataDir, 'usage.db')}`
    await migrate(url)
    const store = openStore({ url, pepperCheck: '' })
    leaveFiles(version, 'waiting-1', 'waiting-2', 'free')
    expect(await recover(store)).toBe(3 * BATCH + 1)
    leaveFiles(version, 'waiting-1')
    expect(await recover(store)).toBe(2 * BATCH)
    await store.close()
    const db = await openDatabase(url)
    const { storedRequests, missingRequests, balanced } = await verifyUsage(db)
    await db.close()
    expect({ storedRequests, missingRequests, balanced }).toEqual({
      storedRequests: 3 * BATCH + 1,
      missingRequests: 0,
      balanced: true,
    })
  })

  test('are removed without a word when they are free', async () => {
    leaveFiles(version, 'free')
    const store = keepingStore()
    expect(await recover(store)).toBe(0)
    expect(store.batches).toEqual([])
    expect(listProcessFolders(dataDir)).toEqual([])
  })

  test('are told of as they are, and left alone while their process lives', async () => {
    const paths = leaveFiles(version, 'waiting-1', 'waiting-2')
    const look = () => paths.map((path) => [readFileSync(path), statSync(path).mtimeMs])
    const before = look()
    const lock = lockFolder(folderOf(version), false)!
    const { waiting, unreadable } = await inspectDataDir(dataDir)
    expect(waiting.map(({ requestCount }) => requestCount)).toEqual([BATCH, BATCH, BATCH, 1])
    expect(unreadable).toEqual([])
    expect(await recover(keepingStore())).toBe(0)
    expect(look()).toEqual(before)
    lock.release()
  })

  test('are still exact where a process died between the delivery of two batches', async () => {
    const [path] = leaveFiles(version, 'waiting-1')
    const store = keepingStore()
    const dying: UsageStore = {
      ...store,
      recordBatch: async (batch) => {
        if (store.batches.length === 1) throw new Error('the wire was cut')
        return store.recordBatch(batch)
      },
    }
    const parts = { dataDir, adopt: false, report: () => {} }
    await deliverDataDir({ ...parts, store: dying })
    expect(readFileSync(path!).readUInt32LE(8)).toBe(version)
    expect(await recover(store)).toBe(BATCH)
    expect(store.requests()).toBe(2 * BATCH)
  })

  test('keep the counts before a damaged name', async () => {
    const bytes = readFileOf(version, 'waiting-1')
    bytes.write('#', bytes.indexOf('/things/10/'))
    const memory = heapMemory(bytes.length)
    new Uint8Array(memory.buffer).set(bytes)
    const file = (await CounterFile.read(memory, HOUR)) as CounterFile
    expect(file.repair()).toMatch(/name record at byte \d+ is damaged/)
    // of each batch: the three requests of ten cells, or in version 2 the one whose slot was named by then
    const readable = version === 1 ? 30 : 10
    expect(file.sealedBatches().map(({ requestCount }) => requestCount)).toEqual([readable, readable])
  })
})
