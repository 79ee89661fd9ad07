import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { binOf } from '../../src/model/duration-bins.ts'
import { toCountedKey, toCountedOperation } from '../../src/model/request-counter.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../src/model/key.ts'
import { OTHER_ENDPOINT } from '../../src/model/operation.ts'
import { identify, startCounting } from '../support/usage/counting-process.ts'
import { keepingStore } from '../support/usage/keeping-store.ts'
import { searchRuns } from '../support/search-runs.ts'

const HOUR_MS = 3_600_000
const LIMITS = { maxKeys: 3, maxEndpointsPerKey: 3 }
const IDENTITIES = [...['a', 'b', 'c', 'd', 'e'].map(identify), OTHER_KEY, REJECTED_KEY]
const home = mkdtempSync(join(tmpdir(), 'apikey-analytics-unit-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** What one counter should have by bucket, key, endpoint, status and bin, told by maps of names alone. */
class Expected {
  readonly rows = new Map<string, number>()
  #keys = new Set<string>()
  #endpoints = new Set<string>()

  enterBucket(): void {
    this.#keys = new Set()
    this.#endpoints = new Set()
  }

  count(bucket: number, key: string, endpoint: string, status: number, bin: number): void {
    const [keyCounted, counted] = this.#admit(key, endpoint)
    const row = `${bucket} ${keyCounted} ${counted} ${status} ${bin}`
    this.rows.set(row, (this.rows.get(row) ?? 0) + 1)
  }

  #admit(key: string, endpoint: string): [key: string, endpoint: string] {
    const isShared = key === OTHER_KEY.label || key === REJECTED_KEY.label
    if (!isShared && !this.#keys.has(key)) {
      if (this.#keys.size >= LIMITS.maxKeys) return this.#admit(OTHER_KEY.label, endpoint)
      this.#keys.add(key)
    }
    const own = `${key} ${endpoint}`
    if (this.#endpoints.has(own)) return [key, endpoint]
    const used = [...this.#endpoints].filter((other) => other.startsWith(`${key} `)).length
    if (used >= LIMITS.maxEndpointsPerKey) return [key, OTHER_ENDPOINT]
    this.#endpoints.add(own)
    return [key, endpoint]
  }
}

function startCounter(now: () => number, mapped: boolean, firstSlots: number) {
  const store = keepingStore()
  const dataDir = mkdtempSync(join(home, 'run-'))
  const counting = startCounting({ dataDir, store, now, mapped, firstSlots, ...LIMITS })
  return { ...counting, store, expected: new Expected() }
}

const counted = fc.record({
  counter: fc.nat({ max: 1 }),
  key: fc.nat({ max: IDENTITIES.length - 1 }),
  endpoint: fc.nat({ max: 4 }),
  status: fc.constantFrom(200, 404),
  durationUs: fc.constantFrom(1, 130, 160, 190, 220, 400, 9000),
})
const step = fc.oneof(
  { weight: 20, arbitrary: counted },
  { weight: 1, arbitrary: fc.constant('next hour' as const) },
  { weight: 1, arbitrary: fc.constant('flush' as const) },
  { weight: 1, arbitrary: fc.constant('leave file' as const) },
)

test.each([
  ['files that are full after a few cells', false, 8],
  ['mapped files', true, 120],
])('two counters with %s share keys and operations and find their own cells', async (_, mapped, slots) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200, size: 'max' }), async (steps) => {
      let now = 100 * HOUR_MS
      const keys = IDENTITIES.map((identity) => toCountedKey(identity))
      const operations = Array.from({ length: 5 }, (_, index) => toCountedOperation('GET', `/${index}`))
      const counters = [0, 1].map(() => startCounter(() => now, mapped, slots))
      for (const step of steps) {
        if (step === 'next hour') {
          now += HOUR_MS
          for (const { expected } of counters) expected.enterBucket()
        } else if (step === 'flush') for (const { flush } of counters) await flush()
        else if (step === 'leave file') for (const { buffer } of counters) buffer.leaveFile()
        else {
          const { buffer, expected } = counters[step.counter]!
          const [key, operation] = [keys[step.key]!, operations[step.endpoint]!]
          buffer.count(key, operation, step.status, step.durationUs)
          expected.count(now, key.identity.label, operation.endpoint, step.status, binOf(step.durationUs))
        }
      }
      for (const { flush, crash, store, expected } of counters) {
        await flush()
        expect(Object.fromEntries(readRows(store))).toEqual(Object.fromEntries(expected.rows))
        crash()
      }
    }),
    { numRuns: searchRuns(150) },
  )
})

/** The requests that a store got, by bucket, key, endpoint, status and bin. */
function readRows({ batches }: ReturnType<typeof keepingStore>): Map<string, number> {
  const labels = new Map(IDENTITIES.map(({ id, label }) => [id, label]))
  const rows = new Map<string, number>()
  for (const batch of batches) {
    for (const { keyId, endpoint, status, durationBins } of batch.rows) {
      for (let index = 0; index < durationBins.length; index += 2) {
        const row = `${batch.bucket} ${labels.get(keyId)} ${endpoint} ${status} ${durationBins[index]}`
        rows.set(row, (rows.get(row) ?? 0) + durationBins[index + 1]!)
      }
    }
  }
  return rows
}
