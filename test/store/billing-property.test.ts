import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import {
  BILLABLE,
  BillingWorld,
  ENDPOINTS,
  HOURS,
  KEYS,
  OWNERS,
  SEASONS,
  STATUSES,
} from '../support/worlds/billing-world.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import type { BillingStep } from '../support/worlds/billing-world.ts'
import { dumpTables, loadTables } from '../support/databases/copy-tables.ts'
import { findWrongSums } from '../support/usage/find-wrong-sums.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { SEARCH_FACTOR, searchRuns } from '../support/search-runs.ts'

const TIME_ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Pacific/Auckland',
  // midnight comes twice, or not at all, when clocks change
  'Asia/Beirut',
  'America/Havana',
  // the border of a day lies within an hour of UTC; in the second one clocks change by half an hour
  'Asia/Kolkata',
  'Australia/Lord_Howe',
]

const anyKey = fc.constantFrom(...KEYS)
const anyOwner = fc.constantFrom(...OWNERS)
const anyHour = fc.integer({ min: 0, max: HOURS - 1 })
const step = (name: BillingStep['do'], rest: object = {}) =>
  fc.record({ do: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<BillingStep>

const anyCell = fc.record({
  key: anyKey,
  endpoint: fc.constantFrom(...ENDPOINTS),
  status: fc.constantFrom(...STATUSES),
  requests: fc.integer({ min: 1, max: 9 }),
  tokens: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1000 })),
})
const someCells = {
  hour: anyHour,
  cells: fc.uniqueArray(anyCell, {
    selector: ({ key, endpoint, status }) => `${key} ${endpoint} ${status}`,
    minLength: 1,
    maxLength: 4,
  }),
}
const someCounts = {
  ...someCells,
  instance: fc.nat(1),
  owner: fc.option(anyOwner, { freq: 4 }),
}
/** Rarely a wrong number of missing requests, or a clock that is before the end of the period. */
const anyClose = step('close', {
  hour: anyHour,
  unit: fc.constantFrom('day', 'day', 'week'),
  billable: fc.constantFrom(...BILLABLE),
  guess: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
  ),
  clock: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 86_400_000 }) },
  ),
})
const anyStep = fc.oneof(
  { weight: 10, arbitrary: step('flush', someCounts) },
  { weight: 4, arbitrary: step('hold back', someCounts) },
  { weight: 2, arbitrary: step('deliver late') },
  { weight: 8, arbitrary: anyClose },
  { weight: 2, arbitrary: step('prune', { hour: anyHour, key: fc.option(anyKey) }) },
  { weight: 2, arbitrary: step('roll up', { hour: anyHour, key: fc.option(anyKey) }) },
  { weight: 2, arbitrary: step('own', { key: anyKey, owner: anyOwner, hour: anyHour }) },
  { weight: 1, arbitrary: step('forget key', { key: anyKey }) },
  { weight: 1, arbitrary: step('forget owner', { owner: anyOwner }) },
  { weight: 1, arbitrary: step('anonymise key', { key: anyKey }) },
  { weight: 1, arbitrary: step('anonymise owner', { owner: anyOwner }) },
  { weight: 1, arbitrary: step('rename', { owner: anyOwner, name: anyOwner }) },
  { weight: 1, arbitrary: step('back up') },
  { weight: 1, arbitrary: step('restore') },
  { weight: 1, arbitrary: step('new instance') },
  { weight: 2, arbitrary: step('adopt', someCells) },
)

const cells = [{ key: 'a', endpoint: '/', status: 200, requests: 2, tokens: 5 }]
const counts = { hour: 25, instance: 0, cells, owner: null }
const close: BillingStep = { do: 'close', hour: 25, unit: 'day', billable: ['2xx'], guess: 0, clock: 0 }
/** Meets every outcome once, since a short search may miss one. */
const EVERY_OUTCOME: BillingStep[] = [
  { do: 'flush', ...counts },
  { do: 'hold back', ...counts },
  { do: 'flush', ...counts },
  close,
  { do: 'back up' },
  { do: 'deliver late' },
  { do: 'flush', ...counts, hour: 49 },
  { ...close, hour: 49 },
  { do: 'restore' },
  close,
  { do: 'adopt', hour: 60, cells },
]

forEachDatabase('the sum', (_, makeUrl) => {
  let db: Database
  let store: UsageStore
  beforeAll(async () => {
    const url = await makeUrl()
    db = await openDatabase(url)
    store = new DatabaseStore({ url, pepperCheck: '' })
  })
  afterAll(() => Promise.all([db.close(), store.close()]))

  test('billed + not billed yet + not billable = delivered, whatever is done in whatever order', async () => {
    const [meta] = await db.query<{ id: string }>('select database_id as id from api_key_analytics_meta')
    const empty = await dumpTables(db)
    const seen: Record<string, number> = {}
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          timeZone: fc.constantFrom(...TIME_ZONES),
          season: fc.constantFrom(...(Object.keys(SEASONS) as (keyof typeof SEASONS)[])),
        }),
        fc.array(anyStep, { minLength: 1, maxLength: 25, size: 'max' }),
        async (place, steps) => {
          await loadTables(db, empty)
          const world = new BillingWorld({ db, store, databaseId: meta!.id }, place)
          for (const one of steps) {
            await world.take(one)
            await world.check()
          }
          expect(await findWrongSums(db)).toEqual([])
          for (const [what, times] of Object.entries(world.seen)) seen[what] = (seen[what] ?? 0) + times
        },
      ),
      { numRuns: searchRuns(30), examples: [[{ timeZone: 'UTC', season: 'autumn' }, EVERY_OUTCOME]] },
    )
    if (SEARCH_FACTOR > 1) process.stdout.write(`${JSON.stringify(seen)}\n`)
    for (const what of [
      'closed',
      'refused',
      'corrected',
      'missing requests',
      'missing tokens',
      'adopt',
      'restore',
    ])
      expect(seen).toHaveProperty(what)
  })
})
