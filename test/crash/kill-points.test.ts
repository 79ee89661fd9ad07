import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CounterBuffer } from '../../src/buffer/counter-buffer.ts'
import { CounterFile } from '../../src/buffer/file/counter-file.ts'
import { fileBytes, shapeFor } from '../../src/buffer/file/counter-layout.ts'
import { heapMemory, type CounterMemory } from '../../src/buffer/file/counter-memory.ts'
import { binOf, UNMEASURED_BIN } from '../../src/model/duration-bins.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import { identify } from '../support/counting-process.ts'

const HOUR_MS = 3_600_000
/** A few cells fill the file. */
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
    return CounterFile.create(
      memory,
      { ...shape, bucketMinutes: 60, instance, target: '', units: [] },
      bucket,
    )
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

/** A kill between the two stores of a request leaves its time without it. */
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

describe('a counting process', () => {
  test.each([
    ['', 1000],
    [' in files that fill up', SLOTS],
  ])(
    'may be killed between any two steps: what it had counted is read, each request once%s',
    async (_, slots) => {
      let looks = 0
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
                expect(withoutTimes(await world.read(files))).toEqual(withoutTimes(counted))
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

  test('may have counted so much time that its sum is no whole number any more', async () => {
    const world = new World()
    for (let n = 0; n < 340; n += 1) world.count(n % 3, n % 8, 200, n < 300 ? 365 * 86_400_000_000 : 1)
    expect(withoutTimes(await world.read(world.copyFiles()))).toEqual(withoutTimes(world.counted))
  })
})
