import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CounterBuffer } from '../../src/buffer/counter-buffer.ts'
import { CounterFile } from '../../src/buffer/file/counter-file.ts'
import { fileBytes, shapeFor } from '../../src/buffer/file/counter-layout.ts'
import { heapMemory, type CounterMemory } from '../../src/buffer/file/counter-memory.ts'
import { binOf, UNMEASURED_BIN } from '../../src/model/duration-bins.ts'
import { toCountedKey, toCountedOperation, UNSET } from '../../src/model/request-counter.ts'
import { identify } from '../support/usage/counting-process.ts'
import { searchRuns } from '../support/search-runs.ts'

const HOUR_MS = 3_600_000
/** A few cells fill the file. */
const SLOTS = 100
/** The rows of some batches: requests, microseconds and quantities by bucket, key, endpoint, status, bin and unit. */
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

  count(
    key: number,
    operation: number,
    status: number,
    durationUs: number | undefined,
    tokens: number,
  ): void {
    const bucket = Math.floor(this.now / HOUR_MS)
    const bin = durationUs === undefined ? UNMEASURED_BIN : binOf(durationUs)
    const quantities = tokens === UNSET ? undefined : new Float64Array([tokens, UNSET])
    this.buffer.count(
      this.#keys[key]!,
      this.#operations[operation]!,
      status,
      durationUs,
      undefined,
      quantities,
    )
    const row = `${bucket} ${'abc'[key]!} /${operation} ${status}`
    add(this.counted, `${row} bin ${bin}`, 1)
    add(this.counted, `${row} us`, durationUs ?? 0)
    if (tokens === UNSET) return
    add(this.counted, `${row} tokens`, tokens)
    add(this.counted, `${row} requests with tokens`, 1)
  }

  /** More of a unit, of a request that was counted before. */
  addLate(key: number, operation: number, quantity: number): void {
    const isFirst = quantity > 2
    this.buffer.addQuantity(this.#keys[key]!, this.#operations[operation]!, 200, 1, quantity, isFirst)
    const row = `${Math.floor(this.now / HOUR_MS)} ${'abc'[key]!} /${operation} 200`
    add(this.counted, `${row} rows`, quantity)
    if (isFirst) add(this.counted, `${row} requests with rows`, 1)
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
      { ...shape, bucketMinutes: 60, instance, target: '', units: ['tokens', 'rows'] },
      bucket,
    )
  }
}

async function readBatch(batch: ReturnType<CounterFile['sealedBatches']>[number], into: Rows): Promise<void> {
  let requests = 0
  const sums = new Map<string, number>()
  for await (const chunk of batch.rows()) {
    for (const {
      keyId,
      endpoint,
      status,
      durationUs,
      durationBins,
      requestCount,
      quantities = [],
    } of chunk) {
      const key = ['a', 'b', 'c'].find((label) => identify(label).id === keyId)
      const row = `${batch.bucket / HOUR_MS} ${key} ${endpoint} ${status}`
      if (requestCount > 0) add(into, `${row} us`, durationUs)
      for (const { unit, requestCount, quantity } of quantities) {
        add(into, `${row} ${unit}`, quantity)
        if (requestCount > 0) add(into, `${row} requests with ${unit}`, requestCount)
        sums.set(unit, (sums.get(unit) ?? 0) + quantity)
      }
      for (let n = 0; n < durationBins.length; n += 2)
        add(into, `${row} bin ${durationBins[n]}`, durationBins[n + 1]!)
      requests += requestCount
    }
  }
  if (batch.requestCount !== requests)
    throw new Error(`${batch.requestCount} requests, ${requests} in its rows`)
  for (const { unit, quantity } of batch.units!.totals) {
    const inRows = sums.get(unit) ?? 0
    if (quantity !== inRows) throw new Error(`${quantity} ${unit}, ${inRows} in its rows`)
  }
}

/** Only requests: a kill before the last store of a request leaves its time and its quantities without it. */
const requestsIn = (rows: Rows): Rows =>
  Object.fromEntries(Object.entries(rows).filter(([name]) => / bin \d+$/.test(name)))

const quantitiesIn = (rows: Rows): Rows =>
  Object.fromEntries(Object.entries(rows).filter(([name]) => / (tokens|rows)$/.test(name)))

/** Quantities that are less than `least`, or more than `most`. */
function findWrongQuantities(found: Rows, least: Rows, most: Rows): string[] {
  return [...new Set([...Object.keys(least), ...Object.keys(found)])].filter(
    (name) => (found[name] ?? 0) < (least[name] ?? 0) || (found[name] ?? 0) > (most[name] ?? 0),
  )
}

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
  fc.constantFrom(UNSET, 0, 1, 1532),
)
const late = fc.record({ key: fc.nat(2), operation: fc.nat(7), quantity: fc.integer({ min: 1, max: 5 }) })
const step = fc.oneof(
  { weight: 60, arbitrary: request },
  { weight: 10, arbitrary: late },
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
                if ('quantity' in step) world.addLate(step.key, step.operation, step.quantity)
                else world.count(...step)
                unsubscribe('apikey-analytics:fault-point', look)
                look()
              }
              for (const { files, counted } of looked) {
                const found = await world.read(files)
                expect(requestsIn(found)).toEqual(requestsIn(counted))
                expect(
                  findWrongQuantities(
                    quantitiesIn(found),
                    quantitiesIn(counted),
                    quantitiesIn(world.counted),
                  ),
                ).toEqual([])
              }
              looks += looked.splice(0).length
            }
            await world.deliver()
            await world.deliver()
            expect(await world.read([])).toEqual(world.counted)
          },
        ),
        { numRuns: searchRuns(18) },
      )
      expect(looks).toBeGreaterThan(500)
    },
  )

  test('may have counted so much time that its sum is no whole number any more', async () => {
    const world = new World()
    for (let n = 0; n < 340; n += 1) world.count(n % 3, n % 8, 200, n < 300 ? 365 * 86_400_000_000 : 1, 1)
    const found = await world.read(world.copyFiles())
    expect(requestsIn(found)).toEqual(requestsIn(world.counted))
    expect(quantitiesIn(found)).toEqual(quantitiesIn(world.counted))
  })
})
