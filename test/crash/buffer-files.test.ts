import {
  closeSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { areaOffset, shapeFor } from '../../src/buffer/file/counter-layout.ts'
import { setAsideDir } from '../../src/buffer/folder/data-dir.ts'
import { deliverDataDir } from '../../src/buffer/deliver-data-dir.ts'
import { inspectDataDir } from '../../src/buffer/folder/inspect-data-dir.ts'
import { ProcessFolder } from '../../src/buffer/folder/process-folder.ts'
import { listCounterFiles, listProcessFolders } from '../../src/buffer/folder/recovery.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'
import {
  identify,
  startCounting,
  type CountingProcess,
  type CountingProcessParts,
} from '../support/usage/counting-process.ts'
import { HOUR } from '../support/usage/make-batch.ts'
import { keepingStore, type KeepingStore } from '../support/usage/keeping-store.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** How the record of cell 2's slot for 1 ms begins, see `name-records.ts`. */
const SLOT_2 = Buffer.from(Uint32Array.of(2 ** 31 + 2 * 128 + 14).buffer)
/** Slots of a process's first file. */
const SLOTS = 4096

let dataDir: string
let store: KeepingStore
let now: number
let started: CountingProcess[]

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  store = keepingStore()
  now = HOUR + 30 * MINUTE_MS
  started = []
})
afterEach(() => {
  for (const { crash } of started) crash()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Starts a process; `crash` and `recover` play what comes after. */
function start(parts: Partial<CountingProcessParts> = {}): CountingProcess {
  const counting = startCounting({ dataDir, store, now: () => now, ...parts })
  started.push(counting)
  return counting
}

/** Where a link leads; nothing when it is gone. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function counterFiles(): string[] {
  return listProcessFolders(dataDir).flatMap((name) => listCounterFiles(join(dataDir, 'counters', name)))
}

async function recover(): Promise<AnalyticsError[]> {
  const errors: AnalyticsError[] = []
  const report = (error: AnalyticsError) => void errors.push(error)
  await deliverDataDir({ dataDir, store, adopt: false, report })
  return errors
}

const MODES = [
  ['mapped', true],
  ['written', false],
] as const

describe.each(MODES)('a counter file (%s)', (mode, mapped) => {
  test('keeps the requests before and after a bucket border apart', async () => {
    const { count, flush, buffer } = start({ mapped })
    count('a')
    now = HOUR + HOUR_MS - 1
    count('a')
    now = HOUR + HOUR_MS
    count('a')
    await flush()
    expect(store.requestsByBucket()).toEqual({ [HOUR]: 2, [HOUR + HOUR_MS]: 1 })
    expect(buffer.mode).toBe(mode)
  })

  test('stays in its bucket when the clock steps back less than a minute, and follows it when it jumps an hour', async () => {
    const { count, flush } = start({ mapped })
    now = HOUR
    count('a')
    now = HOUR - MINUTE_MS + 1
    count('a')
    now = HOUR - HOUR_MS
    count('a')
    now = HOUR
    count('a')
    await flush()
    expect(store.requestsByBucket()).toEqual({ [HOUR - HOUR_MS]: 1, [HOUR]: 3 })
    expect(store.isConsecutive()).toBe(true)
  })

  test('hands on to a next one when its slots are used up', async () => {
    const { count, flush } = start({ mapped, firstSlots: 4 })
    for (let round = 0; round < 3; round += 1) for (let cell = 0; cell < 10; cell += 1) count('a', `/${cell}`)
    expect(counterFiles()).toHaveLength(3)
    await flush()
    await flush()
    expect(store.requests()).toBe(30)
    expect(new Set(store.rows().map(({ endpoint }) => endpoint)).size).toBe(10)
  })

  test('counts each request in the bin of its duration, and those without one in bin 0', async () => {
    const { buffer, count, flush } = start({ mapped })
    for (const durationUs of [70_000_000, 0, 144, 101, 120, 70_000_001, 145]) count('a', '/', 200, durationUs)
    buffer.count(toCountedKey(identify('a')), toCountedOperation('GET', '/'), 200, undefined)
    count('a', '/', 404, 100)
    await flush()
    for (const durationUs of [120, 5000]) count('a', '/', 200, durationUs)
    await flush()
    const durationBins = [0, 1, 1, 1, 2, 2, 3, 1, 4, 1, 75, 2]
    const [first, second] = store.batches.map(({ rows }) => rows)
    expect(first).toMatchObject([
      { status: 200, requestCount: 8, durationUs: 140_000_511, durationBins },
      { status: 404, requestCount: 1, durationUs: 100, durationBins: [1, 1] },
    ])
    expect(second).toMatchObject([{ requestCount: 2, durationUs: 5120, durationBins: [2, 1, 23, 1] }])
  })

  test('hands on to a next one when the bins of a cell use its slots up, and each delivers what it counted', async () => {
    const { count, flush } = start({ mapped, firstSlots: 4 })
    const durationsUs = [100, 200, 400, 800, 1600, 3200, 100, 200]
    for (const durationUs of durationsUs) count('a', '/', 200, durationUs)
    expect(counterFiles()).toHaveLength(2)
    await flush()
    expect(store.batches.map(({ requestCount }) => requestCount)).toEqual([4, 4])
    expect(store.rows().reduce((sum, { durationUs }) => sum + durationUs, 0)).toBe(6600)
  })

  test('hands on to a larger one when long names use up its room, and a database that is away does not add to them', () => {
    const { count } = start({ mapped })
    const countAll = () => {
      for (let cell = 0; cell < 1500; cell += 1) count('a', `/${cell}/${'x'.repeat(480)}`)
    }
    for (let round = 0; round < 4; round += 1) countAll()
    const files = counterFiles().length
    for (let round = 0; round < 10; round += 1) countAll()
    expect(counterFiles()).toHaveLength(files)
    expect(files).toBeLessThanOrEqual(5)
  })

  test('delivers 100 000 different cells in one batch, sorted, and their counts in the next without new names', async () => {
    const { count, flush } = start({ mapped, firstSlots: 262_144, maxKeys: 100, maxEndpointsPerKey: 1000 })
    const countAll = () => {
      for (let cell = 0; cell < 100_000; cell += 1) {
        count(`key ${cell % 100}`, `/${cell % 1000}/${cell}`, 200, 1000 + (cell % 2))
      }
    }
    countAll()
    await flush()
    countAll()
    await flush()
    expect(store.batches.map(({ requestCount }) => requestCount)).toEqual([100_000, 100_000])
    expect(store.batches.map(({ rows }) => rows.length)).toEqual([100_000, 100_000])
    expect(store.batches.every(({ rows }) => isSorted(rows))).toBe(true)
  })

  test('is used again by the next instance after its delivery, with nothing of the former one in it', async () => {
    const { count, flush } = start({ mapped, firstSlots: 4 })
    for (let cell = 0; cell < 12; cell += 1) count('a', `/${cell}`)
    await flush()
    const files = counterFiles()
    for (let hour = 0; hour < 6; hour += 1) {
      store.refuse = true
      for (let time = 0; time < 2; time += 1) {
        count('b', '/new')
        await flush().catch(() => {})
        count('b', '/new')
        now += HOUR_MS
      }
      store.refuse = false
      await flush()
    }
    expect(store.requests()).toBe(12 + 24)
    expect(store.isConsecutive()).toBe(true)
    expect(counterFiles().length).toBeLessThanOrEqual(files.length + 3)
  })
})

const isSorted = (rows: readonly { keyId: string; endpoint: string }[]) =>
  rows.every((row, index) => {
    const before = rows[index - 1]
    if (!before) return true
    return before.keyId < row.keyId || (before.keyId === row.keyId && before.endpoint <= row.endpoint)
  })

test('a key that gets its name after its first requests has it in the next batch, and in what a kill leaves', async () => {
  const { buffer, flush, crash } = start()
  const key = identify('a')
  const named = { ...key, name: 'Billing', owner: 'ACME' }
  const operations = ['/b', '/a'].map((endpoint) => toCountedOperation('GET', endpoint))
  for (const operation of operations) buffer.count(toCountedKey(key), operation, 200, 1)
  await flush()
  expect(store.batches.map(({ keys }) => keys)).toEqual([[key]])
  buffer.count(toCountedKey({ ...named, owner: null }), operations[0]!, 200, 1)
  buffer.count(toCountedKey({ ...named, name: null }), operations[0]!, 200, 1)
  buffer.count(toCountedKey(key), operations[1]!, 200, 1)
  await flush()
  buffer.count(toCountedKey(key), operations[1]!, 200, 1)
  crash()
  await recover()
  expect(store.batches.slice(1).map(({ keys }) => keys)).toEqual([[named], [named]])
})

/** Counts a request of the key `a`, of which the app says this. */
function countOwned({ buffer }: CountingProcess, owner: string): void {
  const key = toCountedKey({ ...identify('a'), name: `of ${owner}`, owner })
  buffer.count(key, toCountedOperation('GET', '/'), 200, 1)
}

const ownersSaid = () => store.batches.map(({ keys }) => keys.map(({ owner }) => owner))

test.each([
  ['its process lives', async ({ flush }: CountingProcess) => flush()],
  ['it was killed', async ({ crash }: CountingProcess) => void (crash(), await recover())],
])('a batch says the owner of its own time though it was delivered later, when %s', async (_, deliver) => {
  const counting = start()
  countOwned(counting, 'A')
  countOwned(counting, 'B')
  counting.buffer.seal()
  countOwned(counting, 'C')
  countOwned(counting, 'D')
  await deliver(counting)
  expect(ownersSaid()).toEqual([['B'], ['D']])
})

test('a late addition says no owner: neither in a file that knows the key, nor in place of the next request', async () => {
  const counting = start({ units: ['tokens'] })
  const operation = toCountedOperation('GET', '/')
  const [acme, globex] = ['Acme', 'Globex'].map((owner) => toCountedKey({ ...identify('a'), owner }))
  const add = () => counting.buffer.addQuantity(acme!, operation, 200, 0, 5, true)
  const count = (key = globex!) => counting.buffer.count(key, operation, 200, 1)
  count(acme)
  count()
  add()
  await counting.flush()
  counting.buffer.leaveFile()
  add()
  await counting.flush()
  count(acme)
  await counting.flush()
  expect(ownersSaid()).toEqual([['Globex'], [null], ['Acme']])
})

test('an app that says another owner with each request does not fill the counter file', async () => {
  const counting = start()
  for (let batch = 0; batch < 3; batch += 1) {
    for (let request = 0; request < 5000; request += 1) countOwned(counting, `${batch}.${request}`)
    await counting.flush()
  }
  expect(ownersSaid()).toEqual([['0.4999'], ['1.4999'], ['2.4999']])
  expect(new Set(store.batches.map(({ instance }) => instance)).size).toBe(1)
  countOwned(counting, 'last')
  counting.crash()
  await recover()
  expect(ownersSaid().at(-1)).toEqual(['last'])
})

test('owners that alternate for ever use a quarter of the names; the file goes on, and the next hour has another', async () => {
  const counting = start()
  for (let batch = 0; batch < 200; batch += 1) {
    for (let request = 0; request < 10; request += 1) countOwned(counting, request % 2 ? 'Acme' : 'Globex')
    await counting.flush()
  }
  expect(new Set(store.batches.map(({ instance }) => instance)).size).toBe(1)
  expect(new Set(ownersSaid().flat())).toEqual(new Set(['Acme']))
  const published = readFileSync(counterFiles()[0]!).readDoubleLE(9 * 8)
  const { namesBytes } = shapeFor(SLOTS)
  expect(published).toBeGreaterThan(namesBytes / 4 - 500)
  expect(published).toBeLessThan(namesBytes / 4 + 500)
  now += HOUR_MS
  countOwned(counting, 'NewCo')
  counting.crash()
  await recover()
  expect(ownersSaid().at(-1)).toEqual(['NewCo'])
})

test('a name that did not fit gets another file for the next hour, also after a shorter one that did', async () => {
  const counting = start()
  for (let batch = 0; batch < 200; batch += 1) {
    for (let request = 0; request < 10; request += 1)
      countOwned(counting, (request % 2 ? 'x' : 'y').repeat(190))
    await counting.flush()
  }
  countOwned(counting, 'B')
  await counting.flush()
  expect(ownersSaid().at(-1)).toEqual(['B'])
  now += HOUR_MS
  countOwned(counting, 'B')
  await counting.flush()
  expect(new Set(store.batches.map(({ instance }) => instance)).size).toBe(2)
})

test('a file that is left because a sum became too large is followed by one of the same size', () => {
  const { count } = start({ units: ['bytes'] })
  for (let request = 0; request < 3; request += 1)
    count('a', '/', 200, 1000, new Float64Array([Number.MAX_SAFE_INTEGER]))
  const sizes = counterFiles().map((path) => statSync(path).size)
  expect(sizes).toHaveLength(3)
  expect(new Set(sizes).size).toBe(1)
})

test('a batch of a living process that was tried on a replaced database fails each flush, and the later ones arrive', async () => {
  const { count, flush, crash, errors } = start()
  count('a')
  store.loseBatches = true
  await expect(flush()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
  store.loseBatches = false
  store.databaseId = '11111111-1111-4111-8111-111111111111'
  const refusal = {
    code: 'DATABASE_CHANGED',
    message: expect.stringContaining('restart the app and then run "apikey-analytics flush --adopt"'),
  }
  await expect(flush()).rejects.toMatchObject(refusal)
  // the second end of a bucket opens another file
  for (let hour = 0; hour < 2; hour += 1) {
    now += HOUR_MS
    count('b')
  }
  await expect(flush()).rejects.toMatchObject(refusal)
  expect(store.requestsByBucket()).toEqual({ [HOUR + 2 * HOUR_MS]: 1 })
  expect(errors.map(({ code }) => code)).toEqual([
    'DATABASE_UNREACHABLE',
    'DATABASE_CHANGED',
    'DATABASE_CHANGED',
  ])
  crash()
  const [kept] = await recover()
  expect(kept!.message).toContain('Connect to the former database, or run "apikey-analytics flush --adopt"')
})

test.runIf(process.platform === 'linux')(
  'one write that fails makes the counts unsafe for a minute, and not until the next start',
  async () => {
    const { buffer, count, flush, errors, crash } = start({ mapped: false })
    count('a')
    const [path] = counterFiles()
    const fd = readdirSync('/proc/self/fd').find((name) => readLink(`/proc/self/fd/${name}`) === path)
    closeSync(Number(fd))
    count('a')
    expect(buffer.mode).toBe('memory')
    now += MINUTE_MS
    await flush()
    expect(buffer.mode).toBe('written')
    expect(errors.map(({ code }) => code)).toEqual(['DATA_DIR_UNWRITABLE'])
    count('b')
    crash()
    await recover()
    expect(store.requests()).toBe(3)
  },
)

test('a folder that cannot be written is told of later, so that whoever is told may count', async () => {
  writeFileSync(join(dataDir, 'a file'), '')
  const told: AnalyticsError[] = []
  const report = (error: AnalyticsError) => void told.push(error)
  const parts = {
    dataDir: join(dataDir, 'a file'),
    bucketMinutes: 60 as const,
    target: '',
    units: [],
    mapped: true,
    report,
  }
  expect(new ProcessFolder(parts).open(SLOTS, HOUR).mode).toBe('memory')
  expect(told).toEqual([])
  await Promise.resolve()
  expect(told.map(({ code }) => code)).toEqual(['DATA_DIR_UNWRITABLE'])
})

describe('a counter file that a dead process left', () => {
  /** Leaves a file with a sealed batch of 40 requests in 20 cells and an open one of 20. */
  async function leaveFile(): Promise<string> {
    const { count, buffer, crash } = start()
    for (let cell = 0; cell < 20; cell += 1) for (let time = 0; time < 2; time += 1) count('a', `/${cell}`)
    buffer.seal()
    for (let cell = 0; cell < 20; cell += 1) count('a', `/${cell}`)
    crash()
    return counterFiles()[0]!
  }

  /** Changes bytes of a file. */
  function damage(path: string, change: (bytes: Buffer) => void): void {
    const bytes = readFileSync(path)
    change(bytes)
    writeFileSync(path, bytes)
  }

  async function expectSetAside(problem: RegExp, delivered: number): Promise<AnalyticsError[]> {
    const before = await inspectDataDir(dataDir)
    expect(before.unreadable.join()).toMatch(problem)
    const errors = await recover()
    expect(errors.map(({ code }) => code)).toEqual(['COUNTER_FILE_INVALID'])
    expect(errors[0]!.message).toMatch(problem)
    expect(readdirSync(setAsideDir(dataDir))).toHaveLength(1)
    expect(errors[0]!.message).toContain(readdirSync(setAsideDir(dataDir))[0])
    expect(counterFiles()).toEqual([])
    expect(store.requests()).toBe(delivered)
    expect(await recover()).toEqual([])
    expect(store.requests()).toBe(delivered)
    return errors
  }

  test('is delivered and removed', async () => {
    await leaveFile()
    expect(await recover()).toEqual([])
    expect(store.requests()).toBe(60)
    expect(listProcessFolders(dataDir)).toEqual([])
  })

  test.each([
    ['is not ours', (bytes: Buffer) => void bytes.write('SQLite format 3'), /does not begin like/],
    ['has a bad header', (bytes: Buffer) => void bytes.writeUInt32LE(7, 12), /does not match its checksum/],
    ['was left by the commit before', (bytes: Buffer) => void bytes.writeUInt32LE(1, 8), /version 1, not 2/],
    ['lost the page of its header', (bytes: Buffer) => void bytes.fill(0, 0, 4096), /does not begin like/],
  ])('is set aside when it %s', async (_, change, problem) => {
    damage(await leaveFile(), change)
    const [error] = await expectSetAside(problem, 0)
    expect(error!.message).toContain('Nothing was delivered')
  })

  test('stays where it is when it comes from a newer version, which delivers it', async () => {
    const path = await leaveFile()
    damage(path, (bytes) => void bytes.writeUInt32LE(3, 8))
    expect((await inspectDataDir(dataDir)).unreadable.join()).toMatch(/version 3, not 2/)
    for (let time = 0; time < 2; time += 1) {
      expect((await recover()).map(({ message }) => message)).toEqual([
        expect.stringMatching(/was made by a newer version of apikey-analytics\. It stays where it is/),
      ])
    }
    expect(counterFiles()).toEqual([path])
    damage(path, (bytes) => void bytes.writeUInt32LE(2, 8))
    expect(await recover()).toEqual([])
    expect(store.requests()).toBe(60)
  })

  test('is set aside when it ends within its header', async () => {
    truncateSync(await leaveFile(), 100)
    await expectSetAside(/less than its header/, 0)
  })

  test.each([
    ['a damaged name', (bytes: Buffer) => void bytes.write('#', 4096 + 300), 0],
    [
      'a damaged slot record',
      (bytes: Buffer) => void bytes.writeUInt32LE(2 ** 31 + 1, bytes.indexOf(SLOT_2)),
      0,
    ],
    ['a page of zeros among its names', (bytes: Buffer) => void bytes.fill(0, 4096 + 300, 8192), 0],
  ])('is set aside for %s after the counts before it were delivered', async (_, change) => {
    const path = await leaveFile()
    damage(path, change)
    const { waiting } = await inspectDataDir(dataDir)
    const readable = waiting.reduce((sum, { requestCount }) => sum + requestCount, 0)
    expect(readable).toBeGreaterThan(0)
    expect(readable).toBeLessThan(60)
    await expectSetAside(/name record at byte \d+ is damaged/, readable)
  })

  test('is set aside when it was truncated, after the counts before the end were delivered', async () => {
    const path = await leaveFile()
    // the second area is gone, and with it the open batch
    truncateSync(path, readFileSync(path).length - SLOTS * 16)
    await expectSetAside(/ends 65536 bytes too early/, 40)
  })

  test.each([
    ['its names are said to be none', (bytes: Buffer) => void bytes.writeDoubleLE(0, 9 * 8)],
    ['its names are said to be without end', (bytes: Buffer) => void bytes.writeDoubleLE(1e300, 9 * 8)],
    ['its names are no number', (bytes: Buffer) => void bytes.writeDoubleLE(NaN, 9 * 8)],
    [
      'a count is no number',
      (bytes: Buffer) => void bytes.writeDoubleLE(NaN, areaOffset(shapeFor(SLOTS), 0)),
    ],
  ])('is set aside and not removed when %s', async (_, change) => {
    damage(await leaveFile(), change)
    const errors = await recover()
    expect(errors.map(({ code }) => code)).toEqual(['COUNTER_FILE_INVALID'])
    expect(readdirSync(setAsideDir(dataDir))).toHaveLength(1)
    expect(Number.isInteger(store.requests())).toBe(true)
  })
})
