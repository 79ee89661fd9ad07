import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { BILLABLE, BillingWorld, ENDPOINTS, HOURS, KEYS, OWNERS, STATUSES } from '../support/billing-world.ts'
import type { BillingStep } from '../support/billing-world.ts'
import { dumpTables, loadTables } from '../support/copy-tables.ts'
import { findWrongSums } from '../support/find-wrong-sums.ts'
import { forEachDatabase } from '../support/for-each-database.ts'

/** The border of a day lies within an hour of UTC only in the last one. */
const TIME_ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Auckland', 'Asia/Kolkata']

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
const someCounts = {
  instance: fc.nat(1),
  hour: anyHour,
  cells: fc.uniqueArray(anyCell, {
    selector: ({ key, endpoint, status }) => `${key} ${endpoint} ${status}`,
    minLength: 1,
    maxLength: 4,
  }),
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
)

forEachDatabase('the sum', (_, makeUrl) => {
  let db: Database
  beforeAll(async () => {
    db = await openDatabase(await makeUrl())
  })
  afterAll(() => db.close())

  test('billed + not billed yet + not billable = delivered, whatever is done in whatever order', async () => {
    const [meta] = await db.query<{ id: string }>('select database_id as id from api_key_analytics_meta')
    const empty = await dumpTables(db)
    const seen: Record<string, number> = {}
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...TIME_ZONES),
        fc.array(anyStep, { minLength: 1, maxLength: 25, size: 'max' }),
        async (timeZone, steps) => {
          await loadTables(db, empty)
          const world = new BillingWorld(db, meta!.id, timeZone)
          for (const one of steps) {
            await world.take(one)
            await world.check()
          }
          expect(await findWrongSums(db)).toEqual([])
          for (const [what, times] of Object.entries(world.seen)) seen[what] = (seen[what] ?? 0) + times
        },
      ),
      { numRuns: 90 },
    )
    for (const what of ['closed', 'refused', 'corrected']) expect(seen).toHaveProperty(what)
  })
})
