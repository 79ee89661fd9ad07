import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NO_QUOTAS } from '../../src/model/quota.ts'
import { deliverDataDir } from '../../src/buffer/deliver-data-dir.ts'
import { deliverSetAside } from '../../src/buffer/set-aside/deliver-set-aside.ts'
import { setAsideDir } from '../../src/buffer/folder/data-dir.ts'
import { listCounterFiles, listProcessFolders } from '../../src/buffer/folder/recovery.ts'
import { inspectDataDir } from '../../src/buffer/folder/inspect-data-dir.ts'
import { AnalyticsError } from '../../src/model/errors.ts'
import { UNSET } from '../../src/model/request-counter.ts'
import { readUndelivered } from '../../src/report/notes/note-undelivered.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { streamUsage } from '../../src/store/read/stream-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { startCounting } from '../support/usage/counting-process.ts'
import type { CountingProcessParts } from '../support/usage/counting-process.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR } from '../support/usage/make-batch.ts'
import { readQuantities } from '../support/apps/serve-units.ts'

const HOUR_MS = 3_600_000

forEachDatabase('a counter file with units', (kind, makeUrl) => {
  let url: string
  let dataDir: string
  let store: UsageStore
  let db: Database
  let now: number

  beforeEach(async () => {
    url = await makeUrl()
    dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-units-'))
    store = openStore({ url, pepperCheck: '' })
    db = await openDatabase(url)
    now = HOUR
  })
  afterEach(async () => {
    await store.close()
    await db.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const start = (units: readonly string[], parts: Partial<CountingProcessParts> = {}) =>
    // its target is no real database, so that what it left may go to any
    startCounting({ dataDir, store, now: () => now, units, mapped: kind === 'sqlite', ...parts })
  const send = async () => {
    const errors: AnalyticsError[] = []
    await deliverDataDir({ dataDir, store, adopt: true, report: (error) => errors.push(error) })
    return errors
  }

  test('is delivered with the units that it was counted with, whatever the recoverer declares', async () => {
    const dead = start(['tokens', 'rows'])
    dead.count('acme', '/', 200, 1000, new Float64Array([1532, 20]))
    dead.addQuantity('acme', '/', 0, 8, false)
    dead.crash()
    // one that counts another unit in the place of the first, and one that counts none
    const other = start(['bytes'], { target: 'the database of the test' })
    other.count('acme', '/', 200, 1000, new Float64Array([4096]))
    const none = start([])
    none.count('acme')
    for (const process of [other, none]) {
      await process.flush()
      process.crash()
    }
    expect(await send()).toEqual([])
    expect(await readQuantities(url)).toEqual({
      acme: { requests: 3, tokens: [1, 1540n], rows: [1, 20n], bytes: [1, 4096n] },
    })
    expect(await verifyUsage(db)).toMatchObject({ balanced: true, missingRequests: 0 })
  })

  test('of several processes with other units adds up in one database', async () => {
    const processes = [start(['tokens']), start(['rows', 'tokens']), start(['bytes', 'rows', 'tokens'])]
    for (const [index, process] of processes.entries()) {
      const quantities = new Float64Array(index + 1).fill(10 ** index)
      for (let n = 0; n < 50; n += 1) process.count(`key ${n % 3}`, `/${n % 7}`, 200, 1000, quantities)
    }
    await Promise.all(processes.map((process) => process.flush()))
    const sums = Object.values(await readQuantities(url, 'method'))
    expect(sums).toEqual([{ requests: 150, bytes: [50, 5000n], rows: [100, 5500n], tokens: [150, 5550n] }])
    for (const process of processes) process.crash()
  })

  test('says what waits in it, and that none of it is in the database', async () => {
    const app = start(['tokens'])
    app.count('acme', '/', 200, 1000, new Float64Array([5]))
    await app.flush()
    now += HOUR_MS
    // nothing but what came late
    app.addQuantity('acme', '/', 0, 90, false)
    app.crash()
    const { waiting } = await inspectDataDir(dataDir)
    expect(waiting).toMatchObject([
      {
        requestCount: 0,
        units: {
          additionsBefore: 0,
          additionCount: 1,
          totals: [{ unit: 'tokens', before: 5, quantity: 90 }],
        },
      },
    ])
    const { elsewhere } = await readUndelivered(db, dataDir)
    expect(elsewhere).toEqual([{ database: 'the database of the test', requests: 0 }])
    await send()
    expect(await readQuantities(url)).toEqual({ acme: { requests: 1, tokens: [1, 95n] } })
    expect((await inspectDataDir(dataDir)).waiting).toEqual([])
  })

  test('that is full goes on in the next one, and neither loses nor doubles a quantity', async () => {
    const units = Array.from({ length: 16 }, (_, n) => `unit_${n}`)
    const app = start(units, { firstSlots: 8 })
    for (let n = 0; n < 300; n += 1) {
      const quantities = new Float64Array(16).fill(UNSET)
      for (let unit = 0; unit <= n % 16; unit += 1) quantities[unit] = n
      app.count(`key ${n % 5}`, `/${n % 11}`, 200, 1000, quantities)
      if (n % 40 === 0) await app.flush()
    }
    expect(app.errors).toEqual([])
    await app.flush()
    app.crash()
    await send()
    const expected = units.map((unit, place) => {
      const with_ = Array.from({ length: 300 }, (_, n) => n).filter((n) => n % 16 >= place)
      return [unit, [with_.length, BigInt(with_.reduce((sum, n) => sum + n, 0))]]
    })
    expect(Object.values(await readQuantities(url, 'method'))).toEqual([
      { requests: 300, ...Object.fromEntries(expected) },
    ])
  })

  test('that would count more than a number can hold goes on in the next one', async () => {
    const app = start(['tokens'])
    const most = 2 ** 52
    for (let n = 0; n < 5; n += 1) app.count('acme', '/', 200, 1000, new Float64Array([most]))
    app.addQuantity('acme', '/', 0, most, false)
    await app.flush()
    app.crash()
    await send()
    expect(await readQuantities(url)).toEqual({ acme: { requests: 5, tokens: [5, BigInt(most) * 6n] } })
  })

  test('in memory, because nothing can be written, keeps units too', async () => {
    const app = start(['tokens'], { dataDir: '/dev/null/nowhere' })
    app.count('acme', '/', 200, 1000, new Float64Array([5]))
    app.addQuantity('acme', '/', 0, 6, false)
    expect(app.buffer.mode).toBe('memory')
    // what fails is the recovery, which comes after the delivery: there is no such folder
    await expect(app.flush()).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(await readQuantities(url)).toEqual({ acme: { requests: 1, tokens: [1, 11n] } })
  })

  test('whose names of units are damaged is set aside, not misread', async () => {
    const app = start(['tokens'])
    app.count('acme', '/', 200, 1000, new Float64Array([5]))
    app.crash()
    const [file] = listProcessFolders(dataDir).flatMap((name) =>
      listCounterFiles(join(dataDir, 'counters', name)),
    )
    const bytes = readFileSync(file!)
    bytes.write('tokenz', bytes.indexOf('tokens', 3000))
    writeFileSync(file!, bytes)
    expect((await send()).map(({ message }) => message)).toEqual([
      expect.stringContaining('its header does not match its checksum'),
    ])
    expect(await readQuantities(url)).toEqual({})
  })

  test('of which a batch is refused is set aside with its quantities, missing until it is delivered', async () => {
    const refusing = openStore({ url, pepperCheck: '' })
    let refuse = true
    const app = start(['tokens', 'rows'], {
      store: {
        connect: () => refusing.connect(),
        findKnownKeys: async () => [],
        findQuotas: async () => NO_QUOTAS,
        registerRoutes: async () => {},
        findDeprecations: async () => [],
        close: async () => {},
        recordBatch: async (batch) => {
          if (!refuse) return refusing.recordBatch(batch)
          throw new AnalyticsError('BATCH_REFUSED', 'The test refuses it.')
        },
      },
    })
    app.count('acme', '/', 200, 1000, new Float64Array([5, 1]))
    app.addQuantity('acme', '/', 0, 6, false)
    await app.flush()
    refuse = false
    app.count('acme', '/', 200, 1000, new Float64Array([100, UNSET]))
    await app.flush()
    app.crash()
    const missing = async () =>
      (await verifyUsage(db)).units.map(({ unit, stored, missing }) => [unit, stored, missing])
    expect(await missing()).toEqual([
      ['rows', 0n, 1n],
      ['tokens', 100n, 11n],
    ])
    const [name] = readdirSync(setAsideDir(dataDir))
    const path = join(setAsideDir(dataDir), name!)
    const good = readFileSync(path, 'utf8')
    const deliver = async (content: string) => {
      writeFileSync(path, content)
      const errors: string[] = []
      await deliverSetAside({ dataDir, store, adopt: false, report: ({ message }) => errors.push(message) })
      return errors
    }
    // a person may have edited it
    const parts: [string, string, string][] = [
      ['"quantity":11}]', '"quantity":12}]', 'do not sum up to the quantities'],
      ['"additionCount":1', '"additionCount":-1', 'no count or no unit'],
      ['"unit":"tokens","before"', '"unit":"requests","before"', 'no count or no unit'],
      ['"unit":"rows","requestCount":1', '"unit":"tokens","requestCount":1', 'no count or no text'],
    ]
    for (const [from, to, why] of parts) {
      const content = good.replace(from, to)
      expect(content).not.toBe(good)
      expect(await deliver(content)).toEqual([expect.stringContaining(why)])
    }
    expect(await deliver(good)).toEqual([])
    expect(await missing()).toEqual([
      ['rows', 1n, 0n],
      ['tokens', 111n, 0n],
    ])
    expect(await readQuantities(url)).toEqual({ acme: { requests: 2, rows: [1, 1n], tokens: [2, 111n] } })
    await refusing.close()
  })

  test('is read in pages with everything in it, also cells that have quantities only', async () => {
    const app = start(['tokens'])
    const expected = new Map<string, [number, bigint]>()
    for (let n = 0; n < 4500; n += 1) {
      const [key, endpoint] = [`key ${n % 7}`, `/${String(n).padStart(5, '0')}`]
      // three of four came late, to cells that have no request in this bucket
      if (n % 4 === 0) app.count(key, endpoint, 200, 1000, new Float64Array([n]))
      else app.addQuantity(key, endpoint, 0, n, false)
      expected.set(`${key} ${endpoint}`, [n % 4 === 0 ? 1 : 0, BigInt(n)])
    }
    await app.flush()
    app.crash()
    const found = new Map<string, [number, bigint]>()
    let pages = 0
    for await (const page of streamUsage(db, { units: true })) {
      pages += 1
      for (const { keyLabel, endpoint, requestCount, quantities } of page) {
        found.set(`${keyLabel} ${endpoint}`, [requestCount, quantities![0]!.quantity])
      }
    }
    expect(pages).toBe(kind === 'sqlite' ? 9 : 3)
    expect(found).toEqual(expected)
    let rows = 0
    for await (const page of streamUsage(db)) rows += page.length
    expect(rows).toBe(4500 / 4)
  })
})
