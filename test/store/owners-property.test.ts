import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOURS, KEYS, OWNERS, OwnerWorld } from '../support/worlds/owner-world.ts'
import type { Step } from '../support/worlds/owner-world.ts'
import { searchRuns } from '../support/search-runs.ts'

const anyKey = fc.constantFrom(...KEYS)
const anyHour = fc.integer({ min: 1, max: HOURS - 2 })
const anyOwner = fc.option(fc.constantFrom(...OWNERS), { freq: 6 })
const anyName = fc.option(fc.constantFrom('one', 'two'), { freq: 4 })

/** Batches come in any order of time: from living processes, and from dead ones whose files are found later. */
const anyFlush = fc.record({
  do: fc.constant('flush' as const),
  process: fc.nat(2),
  hour: anyHour,
  minute: fc.nat(59),
  keys: fc.uniqueArray(fc.record({ key: anyKey, name: anyName, owner: anyOwner }), {
    selector: ({ key }) => key,
    minLength: 1,
  }),
})
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: anyFlush },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('name' as const), key: anyKey, name: anyName }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('own' as const),
      key: anyKey,
      owner: fc.option(fc.constantFrom(...OWNERS), { freq: 2 }),
      from: fc.option(anyHour),
      until: fc.option(anyHour),
      at: anyHour,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget key' as const), key: anyKey }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('forget owner' as const), owner: fc.constantFrom(...OWNERS) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune' as const), hour: anyHour }) },
)

forEachDatabase('names and owners', (_, makeUrl) => {
  let db: Database
  let databaseId: string
  let run = 0
  beforeAll(async () => {
    db = await openDatabase(await makeUrl())
    const [meta] = await db.query<{ id: string }>('select database_id as id from api_key_analytics_meta')
    databaseId = meta!.id
  })
  afterAll(() => db.close())

  test('are what the last word says, whatever comes late, from whom, and whatever persons set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 20, size: 'max' }), async (steps) => {
        const world = new OwnerWorld(db, databaseId, `run ${(run += 1)} `)
        for (const step of steps) await world.take(step)
        expect(await world.readStore()).toEqual(world.readModel())
        expect(await world.forgetAll()).toBe(0)
      }),
      { numRuns: searchRuns(60) },
    )
    expect(await verifyUsage(db)).toMatchObject({ balanced: true, missingRequests: 0 })
  })
})
