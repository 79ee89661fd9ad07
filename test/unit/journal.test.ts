import { METHODS } from 'node:http'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CounterBuffer } from '../../src/buffer/counter-buffer.ts'
import { CounterFile } from '../../src/buffer/counter-file.ts'
import {
  areaOffset,
  fileBytes,
  HEADER_BYTES,
  JOURNAL_ENTRIES,
  JOURNAL_OFFSET,
  shapeFor,
} from '../../src/buffer/counter-layout.ts'
import { heapMemory, type CounterMemory } from '../../src/buffer/counter-memory.ts'
import {
  cellRecord,
  MOST_BYTES_PER_REQUEST,
  operationRecord,
  slotRecord,
} from '../../src/buffer/name-records.ts'
import { BIN_COUNT, binOf, UNMEASURED_BIN } from '../../src/duration-bins.ts'
import { toCountedKey, toCountedOperation } from '../../src/request-counter.ts'
import { OTHER_ENDPOINT, OTHER_METHOD } from '../../src/usage.ts'
import { identify } from '../support/counting-process.ts'

const HOUR_MS = 3_600_000
/** Number of the header's word with the requests that the journal of the first area was told of. */
const COUNTED = 24
/** Room for the journal and a few cells more. */
const SLOTS = 100

/** The rows of some batches: requests and microseconds by bucket, key, endpoint, status and bin. */
type Rows = Record<string, number>

/** A counter whose files are memory that can be looked at, and what was counted in it by the rules of maps. */
class World {
  readonly #keys = ['a', 'b', 'c'].map((key) => toCountedKey(identify(key)))
  readonly #operations = Array.from({ length: 8 }, (_, n) => toCountedOperation('GET', `/${n}`))
  readonly #memories: CounterMemory[] = []
  readonly #delivered: Rows = {}
  readonly buffer: CounterBuffer
  readonly counted: Rows = {}
  now = 100 * HOUR_MS

  constructor(slots = SLOTS) {
    const open = (least: number, bucket: number) => this.#open(Math.max(slots, least % 4096), bucket)
    const limits = { maxKeys: 100, maxEndpointsPerKey: 100 }
    const now = () => this.now
    const files = { open, release: (file: CounterFile) => file.free() }
    this.buffer = new CounterBuffer({ files, bucketMinutes: 60, now, onRotate() {}, ...limits })
  }

  count(key: number, operation: number, status: number, durationUs: number | undefined): void {
    const bucket = Math.floor(this.now / HOUR_MS)
    const bin = durationUs === undefined ? UNMEASURED_BIN : binOf(durationUs)
    this.buffer.count(this.#keys[key]!, this.#operations[operation]!, status, durationUs)
    const row = `${bucket} ${'abc'[key]!} /${operation} ${status}`
    add(this.counted, `${row} bin ${bin}`, 1)
    add(this.counted, `${row} us`, durationUs ?? 0)
  }

  /** Delivers every sealed batch. */
  async deliver(): Promise<void> {
    this.buffer.seal()
    for (const file of this.buffer.files()) {
      for (const batch of file.sealedBatches()) {
        await readBatch(batch, this.#delivered)
        file.markDelivered(batch)
      }
      this.buffer.release(file)
    }
  }

  /** The bytes of the files as a kill would leave them now. */
  copyFiles(): CounterMemory[] {
    return this.#memories.map(copyOf)
  }

  /** What was delivered, and what is found in such bytes. */
  async read(files: readonly CounterMemory[]): Promise<Rows> {
    const rows = { ...this.#delivered }
    for (const memory of files) {
      const file = (await CounterFile.read(memory, this.now)) as CounterFile
      const problem = file.repair()
      if (problem) throw new Error(problem)
      if (!file.isFree) for (const batch of file.sealedBatches()) await readBatch(batch, rows)
    }
    return rows
  }

  #open(slots: number, bucket: number): CounterFile {
    const shape = shapeFor(slots)
    const memory = heapMemory(fileBytes(shape))
    this.#memories.push(memory)
    const instance = `00000000-0000-4000-8000-${String(this.#memories.length).padStart(12, '0')}`
    return CounterFile.create(memory, { ...shape, bucketMinutes: 60, instance }, bucket)
  }
}

async function readBatch(batch: ReturnType<CounterFile['sealedBatches']>[number], into: Rows): Promise<void> {
  let requests = 0
  for await (const chunk of batch.rows()) {
    for (const { keyId, endpoint, status, durationUs, durationBins, requestCount } of chunk) {
      const key = ['a', 'b', 'c'].find((label) => identify(label).id === keyId)
      const row = `${batch.bucket / HOUR_MS} ${key} ${endpoint} ${status}`
      add(into, `${row} us`, durationUs)
      for (let n = 0; n < durationBins.length; n += 2)
        add(into, `${row} bin ${durationBins[n]}`, durationBins[n + 1]!)
      requests += requestCount
    }
  }
  if (batch.requestCount !== requests)
    throw new Error(`${batch.requestCount} requests, ${requests} in its rows`)
}

/** The rows of a file of which there are more than were counted. */
async function findTooMany(file: CounterFile, counted: Rows): Promise<string[]> {
  const rows: Rows = {}
  for (const batch of file.sealedBatches()) await readBatch(batch, rows)
  return Object.keys(rows).filter((name) => rows[name]! > (counted[name] ?? 0))
}

const withoutTimes = (rows: Rows): Rows =>
  Object.fromEntries(Object.entries(rows).filter(([name]) => !name.endsWith('us')))

function add(rows: Rows, name: string, count: number): void {
  rows[name] = (rows[name] ?? 0) + count
}

function copyOf({ buffer }: CounterMemory): CounterMemory {
  const memory = heapMemory(buffer.byteLength)
  new Uint8Array(memory.buffer).set(new Uint8Array(buffer))
  return memory
}

const request = fc.tuple(
  fc.nat(2),
  fc.nat(7),
  fc.constantFrom(200, 404),
  fc.option(fc.constantFrom(0, 1, 90, 130, 160, 190, 400, 9000, 2 ** 40), { nil: undefined }),
)
const step = fc.oneof(
  { weight: 60, arbitrary: request },
  { weight: 1, arbitrary: fc.constant('next hour' as const) },
  { weight: 1, arbitrary: fc.constant('deliver' as const) },
  { weight: 1, arbitrary: fc.constant('seal' as const) },
)

describe('a process that notes requests in its journal', () => {
  test.each([
    ['', 1000],
    [', but for the time of a request that a small file had no journal for', SLOTS],
  ])(
    'may be killed between any two steps: what it had counted is read, each request once%s',
    async (_, slots) => {
      let looks = 0
      const select = (rows: Rows) => (slots > SLOTS ? rows : withoutTimes(rows))
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 100, maxLength: 400, size: 'max' }),
          fc.nat(9),
          async (steps, offset) => {
            const world = new World(slots)
            const looked: { files: CounterMemory[]; counted: Rows }[] = []
            let points = offset
            // the request of which a point is a part is not counted yet: its answer was not sent
            const look = () => {
              points += 1
              if (points % 10 === 0) looked.push({ files: world.copyFiles(), counted: { ...world.counted } })
            }
            for (const step of steps) {
              if (step === 'next hour') world.now += HOUR_MS
              else if (step === 'seal') world.buffer.seal()
              else if (step === 'deliver') await world.deliver()
              else {
                subscribe('apikey-analytics:fault-point', look)
                world.count(...step)
                unsubscribe('apikey-analytics:fault-point', look)
                look()
              }
              for (const { files, counted } of looked) {
                expect(select(await world.read(files))).toEqual(select(counted))
              }
              looks += looked.splice(0).length
            }
            await world.deliver()
            await world.deliver()
            expect(await world.read([])).toEqual(world.counted)
          },
        ),
        { numRuns: 30 },
      )
      expect(looks).toBeGreaterThan(500)
    },
  )

  test('leaves whole counts where it was killed while it noted one more', async () => {
    const world = new World()
    for (let n = 0; n < 10; n += 1) world.count(n % 3, n % 8, 200, 100 * n)
    const [memory] = world.copyFiles() as [CounterMemory]
    const next = JOURNAL_OFFSET + 10 * 32
    new Uint8Array(memory.buffer, next, 32).fill(0xff)
    // its microseconds go first, then itself
    new Float64Array(memory.buffer)[COUNTED + 1]! += 77
    expect(await world.read([memory])).toEqual(world.counted)
  })

  test('may have counted so much time that its sum is no whole number any more', async () => {
    const world = new World()
    for (let n = 0; n < 340; n += 1) world.count(n % 3, n % 8, 200, n < 300 ? 365 * 86_400_000_000 : 1)
    expect(withoutTimes(await world.read(world.copyFiles()))).toEqual(withoutTimes(world.counted))
  })

  test('goes around the journal once its file might be too small for what that holds', async () => {
    const world = new World(JOURNAL_ENTRIES + 3)
    const counted = (memory: CounterMemory) => new Float64Array(memory.buffer)[COUNTED]
    for (let n = 0; n < 48; n += 1) {
      world.count(n % 3, n % 8, 200, 500)
      world.count(n % 3, n % 8, 404, 500)
      expect(await world.read(world.copyFiles())).toEqual(world.counted)
    }
    const [memory] = world.copyFiles() as [CounterMemory]
    expect(counted(memory)).toBeGreaterThan(0)
    expect(counted(memory)).toBeLessThan(96)
  })
})

test('no request needs more bytes for its names than a file keeps for each', () => {
  for (const method of [...METHODS, OTHER_METHOD]) {
    const records = [
      operationRecord(-(2 ** 31), { method, endpoint: OTHER_ENDPOINT }),
      cellRecord(-(2 ** 31), -(2 ** 31), 599),
      slotRecord(2 ** 24 - 1, BIN_COUNT - 1),
    ]
    expect(Buffer.concat(records).length).toBeLessThanOrEqual(MOST_BYTES_PER_REQUEST)
  }
})

describe('a journal that does not match its counts', () => {
  /** A file with 100 requests, some of them in the journal. */
  function leaveFile(): { memory: CounterMemory; settled: number } {
    const world = new World()
    for (let n = 0; n < 100; n += 1) world.count(n % 3, n % 8, 200, 150)
    const [memory] = world.copyFiles() as [CounterMemory]
    const counts = new Float64Array(memory.buffer, areaOffset(shapeFor(SLOTS), 0), SLOTS * 2)
    const settled = counts.filter((_, index) => index % 2 === 0).reduce((a, b) => a + b)
    expect(settled).toBeGreaterThan(0)
    expect(settled).toBeLessThan(100)
    return { memory, settled }
  }
  const firstPending = (settled: number) => JOURNAL_OFFSET + (settled % JOURNAL_ENTRIES) * 32

  test.each([
    [
      'was told of more requests than it holds',
      (memory: CounterMemory) => void (new Float64Array(memory.buffer)[COUNTED] = 100 + JOURNAL_ENTRIES),
    ],
    [
      'was told of no number of requests',
      (memory: CounterMemory) => void (new Float64Array(memory.buffer)[COUNTED] = NaN),
    ],
    [
      'was told of a part of a request',
      (memory: CounterMemory) => void (new Float64Array(memory.buffer)[COUNTED] = 5e-324),
    ],
    [
      'was told of one request more',
      (memory: CounterMemory) => void (new Float64Array(memory.buffer)[COUNTED]! += 1),
    ],
    [
      'names a request of another operation',
      (memory: CounterMemory, settled: number) =>
        new DataView(memory.buffer).setInt32(firstPending(settled) + 4, 1, true),
    ],
    [
      'holds a status that no answer has',
      (memory: CounterMemory, settled: number) =>
        new DataView(memory.buffer).setInt32(firstPending(settled) + 8, 70_000, true),
    ],
    [
      'names a key that is not there',
      (memory: CounterMemory, settled: number) =>
        new DataView(memory.buffer).setInt32(firstPending(settled), 4242, true),
    ],
    [
      'holds another sum of microseconds',
      (memory: CounterMemory, settled: number) =>
        new DataView(memory.buffer).setFloat64(firstPending(settled) + 24, 1, true),
    ],
  ])('because it %s is left aside, and the counts are delivered', async (_, damage) => {
    const { memory, settled } = leaveFile()
    damage(memory, settled)
    const file = (await CounterFile.read(memory, HOUR_MS)) as CounterFile
    expect(file.repair()).toBe('its journal does not match its counts')
    const rows: Rows = {}
    for (const batch of file.sealedBatches()) await readBatch(batch, rows)
    const requests = Object.keys(rows).filter((name) => name.includes('bin'))
    expect(requests.reduce((sum, name) => sum + rows[name]!, 0)).toBe(settled)
  })

  test('is no way to make up for counts that are lost: they were settled, and are not the latest requests', async () => {
    const world = new World()
    for (let n = 0; n < 100; n += 1) world.count(n % 3, n % 8, 200, 0)
    const [memory] = world.copyFiles() as [CounterMemory]
    const counts = new Float64Array(memory.buffer, areaOffset(shapeFor(SLOTS), 0), SLOTS * 2)
    counts[0] = 0
    const file = (await CounterFile.read(memory, HOUR_MS)) as CounterFile
    expect(file.repair()).toBe('its journal does not match its counts')
    expect(await findTooMany(file, world.counted)).toEqual([])
  })

  test('is left aside where names are damaged: no request is counted in the slot of another', async () => {
    const world = new World()
    for (let n = 0; n < 100; n += 1) world.count(n % 3, n % 8, 200, 150)
    world.buffer.seal()
    for (let n = 0; n < 40; n += 1) world.count(n % 3, n % 8, 404, 150)
    const [whole] = world.copyFiles() as [CounterMemory]
    const published = new Float64Array(whole.buffer)[9]!
    for (let byte = 0; byte < published; byte += 7) {
      const memory = copyOf(whole)
      new Uint8Array(memory.buffer)[HEADER_BYTES + byte]! ^= 1
      const file = (await CounterFile.read(memory, HOUR_MS)) as CounterFile
      expect(file.repair()).toMatch(/name record at byte \d+ is damaged/)
      expect(await findTooMany(file, world.counted)).toEqual([])
    }
  })

  test('is no damage to speak of while its process lives: a copy of a file may be older in one part', async () => {
    const { memory } = leaveFile()
    new Float64Array(memory.buffer)[COUNTED] = 3
    const file = (await CounterFile.read(memory, HOUR_MS)) as CounterFile
    expect(file.problem).toBeUndefined()
  })
})
