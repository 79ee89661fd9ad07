import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate } from '../../src/store/database/migrate.ts'
import type { VerifyResult } from '../../src/store/verify/verify-usage.ts'
import { CountingWorld, type Step } from '../support/worlds/counting-world.ts'
import { searchRuns } from '../support/search-runs.ts'

const program = fc.nat({ max: 1 })
const fault = fc.constantFrom('none', 'none', 'before commit', 'after commit')
const hour = 3_600_000

const counting = [
  fc.record({
    do: fc.constant('count'),
    program,
    cell: fc.nat({ max: 11 }),
    times: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({
    do: fc.constant('add late'),
    program,
    cell: fc.nat({ max: 11 }),
    unit: fc.nat({ max: 1 }),
    quantity: fc.nat({ max: 3 }),
  }),
  fc.record({ do: fc.constant('seal'), program }),
  fc.record({ do: fc.constant('flush'), program, fault }),
]
const trouble = [
  fc.record({ do: fc.constant('fill names'), program }),
  fc.record({ do: fc.constant('crash'), program }),
  fc.record({ do: fc.constant('recover'), at: fc.constantFrom(1, 2), fault }),
  fc.record({ do: fc.constant('move clock'), byMs: fc.constantFrom(1000, 30_000, hour, -20_000, -hour) }),
]
const copy = fc.nat({ max: 1 })
const copies = [
  fc.record({ do: fc.constant('copy folder'), copy }),
  fc.record({ do: fc.constant('recover folder copy'), copy, fault }),
]
const databaseTrouble = [
  fc.record({ do: fc.constant('copy database') }),
  fc.record({ do: fc.constant('restore copy') }),
  fc.record({ do: fc.constant('switch database') }),
]

function anySteps(kinds: readonly fc.Arbitrary<object>[]): fc.Arbitrary<Step[]> {
  const step = fc.oneof(...kinds) as fc.Arbitrary<Step>
  return fc.array(step, { minLength: 1, maxLength: 40, size: 'max' })
}

let folder: string
let runs = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  for (const name of ['A', 'B']) await migrate(`sqlite:${join(folder, `${name}.db`)}`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Plays the steps in a fresh world, then brings everything to the databases and looks at the accounts. */
async function play(steps: readonly Step[], mapped: boolean, check: (world: CountingWorld) => Promise<void>) {
  const home = join(folder, `run-${(runs += 1)}`)
  const world = new CountingWorld(home, mapped, (name, path) =>
    copyFileSync(join(folder, `${name}.db`), path),
  )
  try {
    await world.take({ do: 'count', program: 0, cell: 0, times: 1 })
    for (const step of steps) await world.take(step)
    await world.deliverAll()
    await check(world)
  } finally {
    await world.close()
    rmSync(home, { recursive: true, force: true })
  }
}

describe.each([
  ['mapped', true],
  ['written', false],
] as const)('counter files (%s) and a real SQLite database', (mode, mapped) => {
  test('whatever crashes, fails, fills up or is copied, every count is in its row exactly once and nothing is missing', async () => {
    const property = fc.asyncProperty(anySteps([...counting, ...trouble, ...copies]), (steps) =>
      play(steps, mapped, async (world) => {
        expect(await world.rows('A')).toEqual(world.added())
        expect(await world.storedBins('A')).toEqual(world.addedBins())
        expect(await world.storedQuantities('A')).toEqual(world.addedQuantities())
        const account = await world.account('A')
        expect(account).toMatchObject({ balanced: true, missingRequests: 0 })
        expect(account.units.every(({ missing }) => missing === 0n)).toBe(true)
        expect(account.storedRequests).toBe(world.addedRequests)
      }),
    )
    await fc.assert(property, { numRuns: searchRuns(25) })
  })

  test('whatever is restored or switched, table + missing is what was added, as far as each instance delivered', async () => {
    const property = fc.asyncProperty(anySteps([...counting, ...trouble, ...databaseTrouble]), (steps) =>
      play(steps, mapped, async (world) => {
        for (const name of ['A', 'B'] as const) {
          const account = await world.account(name)
          expect(account.balanced).toBe(true)
          expect(totals(account)).toEqual(world.expectedInstances(name).toSorted(byInstance))
          expect(unitTotals(account)).toEqual(world.expectedUnits(name))
        }
        // each batch went to one database only, and all that was added went to one
        expect(world.committedRequests()).toBe(world.addedRequests)
        expect(world.committedBins()).toEqual(world.addedBins())
        expect(world.committedQuantities()).toEqual(world.addedQuantities())
        expect(mode).toBe(world.mode)
      }),
    )
    await fc.assert(property, { numRuns: searchRuns(25) })
  })
})

/** Per instance, what a database says it holds and misses. */
function totals({ instances }: VerifyResult) {
  return instances
    .map(({ instance, deliveredRequests, missingRequests }) => ({
      instance,
      deliveredRequests,
      missingRequests,
    }))
    .toSorted(byInstance)
}

/** Per unit, what a database says it holds and misses; a unit that it never heard of has nothing. */
function unitTotals({ units }: VerifyResult) {
  return ['rows', 'tokens'].map((name) => {
    const { delivered = 0n, missing = 0n } = units.find(({ unit }) => unit === name) ?? {}
    return { unit: name, delivered, missing }
  })
}

const byInstance = (a: { instance: string }, b: { instance: string }) => (a.instance < b.instance ? -1 : 1)
