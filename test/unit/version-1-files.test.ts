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
import { UNMEASURED_BIN } from '../../src/duration-bins.ts'
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

/** The bytes of a file that version 1 left, see `support/version-1/leave-files.ts`. */
function readVersion1(name: string): Buffer {
  return gunzipSync(readFileSync(new URL(`../support/version-1/${name}.counts.gz`, import.meta.url)))
}

/** Puts such files into the folder of one dead process. @returns their paths */
function leaveVersion1(...names: readonly string[]): string[] {
  const folder = join(countersDir(dataDir), 'version-1')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'lock'), '')
  return names.map((name, index) => {
    const path = join(folder, `${index + 1}.counts`)
    writeFileSync(path, readVersion1(name))
    return path
  })
}

async function recover(store: UsageStore): Promise<number> {
  const report = (error: Error) => {
    throw error
  }
  return (await deliverDataDir({ dataDir, store, adopt: false, report })).requests
}

describe('counter files of version 1', () => {
  test('are delivered batch by batch and removed; how long each request took is unknown, the sum is kept', async () => {
    leaveVersion1('waiting-1', 'waiting-2')
    const store = keepingStore()
    expect(await recover(store)).toBe(3 * BATCH + 1)
    expect(listProcessFolders(dataDir)).toEqual([])
    expect(store.isConsecutive()).toBe(true)
    expect(store.requestsByBucket()).toEqual({ [HOUR]: 2 * BATCH, [HOUR + HOUR_MS]: BATCH + 1 })
    expect(store.batches.map(({ rows }) => rows.length)).toEqual([20, 20, 20, 1])
    for (const { durationBins, requestCount } of store.rows()) {
      expect(durationBins).toEqual([UNMEASURED_BIN, requestCount])
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
      durationBins: [UNMEASURED_BIN, 3],
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
    leaveVersion1('waiting-1', 'waiting-2', 'free')
    expect(await recover(store)).toBe(3 * BATCH + 1)
    leaveVersion1('waiting-1')
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
    leaveVersion1('free')
    const store = keepingStore()
    expect(await recover(store)).toBe(0)
    expect(store.batches).toEqual([])
    expect(listProcessFolders(dataDir)).toEqual([])
  })

  test('are told of as they are, and left alone while their process lives', async () => {
    const paths = leaveVersion1('waiting-1', 'waiting-2')
    const look = () => paths.map((path) => [readFileSync(path), statSync(path).mtimeMs])
    const before = look()
    const lock = lockFolder(join(countersDir(dataDir), 'version-1'), false)!
    const { waiting, unreadable } = await inspectDataDir(dataDir)
    expect(waiting.map(({ requestCount }) => requestCount)).toEqual([BATCH, BATCH, BATCH, 1])
    expect(unreadable).toEqual([])
    expect(await recover(keepingStore())).toBe(0)
    expect(look()).toEqual(before)
    lock.release()
  })

  test('are still exact where a process died between the delivery of two batches', async () => {
    const [path] = leaveVersion1('waiting-1')
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
    expect(readFileSync(path!).readUInt32LE(8)).toBe(1)
    expect(await recover(store)).toBe(BATCH)
    expect(store.requests()).toBe(2 * BATCH)
  })

  test('keep the counts before a damaged name', async () => {
    const bytes = readVersion1('waiting-1')
    bytes.write('#', bytes.indexOf('/things/10/'))
    const memory = heapMemory(bytes.length)
    new Uint8Array(memory.buffer).set(bytes)
    const file = (await CounterFile.read(memory, HOUR)) as CounterFile
    expect(file.repair()).toMatch(/name record at byte \d+ is damaged/)
    expect(file.sealedBatches().map(({ requestCount }) => requestCount)).toEqual([30, 30])
  })
})
