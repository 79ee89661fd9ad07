import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { findLines } from '../../src/store/keys/key-lines.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { fillKeys, keyIdOf } from '../support/usage/fill-usage.ts'
import { findWrongLinks } from '../support/usage/find-wrong-links.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { LINK_HOURS, LINK_KEYS, LINK_OWNERS, LinkWorld } from '../support/worlds/link-world.ts'
import type { LinkStep } from '../support/worlds/link-world.ts'
import { runProcess } from '../support/processes/run-process.ts'
import { searchRuns } from '../support/search-runs.ts'

const anyKey = fc.constantFrom(...LINK_KEYS)
const anyHour = fc.nat(LINK_HOURS - 1)
const anyStep: fc.Arbitrary<LinkStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('count' as const),
      hour: anyHour,
      keys: fc.uniqueArray(
        fc.record({
          key: anyKey,
          owner: fc.option(fc.constantFrom(...LINK_OWNERS), { freq: 2 }),
          requests: fc.integer({ min: 1, max: 99 }),
        }),
        { selector: ({ key }) => key, minLength: 1 },
      ),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('link' as const),
      key: anyKey,
      continues: anyKey,
      acrossOwners: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('unlink' as const), key: anyKey }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), key: anyKey }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('transfer' as const),
      key: anyKey,
      owner: fc.constantFrom(...LINK_OWNERS),
      hour: anyHour,
    }),
  },
)

forEachDatabase('linked keys', (_, makeUrl) => {
  let url: string
  let db: Database
  let databaseId: string
  let run = 0
  beforeAll(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    const [meta] = await db.query<{ id: string }>('select database_id as id from api_key_analytics_meta')
    databaseId = meta!.id
  })
  afterAll(() => db.close())

  test('change no total, no total of an owner and no part, and are the sum of their parts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 4, maxLength: 20, size: 'max' }), async (steps) => {
        const world = new LinkWorld(db, databaseId, `run ${(run += 1)} `)
        for (const step of steps) {
          await world.take(step)
          if (step.do !== 'count') await world.check()
          expect(world.wrong).toEqual([])
        }
        await world.clean()
      }),
      { numRuns: searchRuns(15) },
    )
    expect(await verifyUsage(db)).toMatchObject({ balanced: true, missingRequests: 0 })
    expect(await findLines(db)).toEqual(new Map())
  })

  test('make no loop when processes link and unlink them at once', async () => {
    const keys = [91, 92, 93, 94, 95, 96]
    await fillKeys(
      db,
      keys.map((key) => ({ key, at: key })),
    )
    const runs = await Promise.all(
      ['1', '2', '3'].map((seed) => runProcess('link-keys', url, '150', seed, ...keys.map(keyIdOf))),
    )
    for (const { code, output } of runs) {
      expect(code).toBe(0)
      expect(Number(output)).toBeGreaterThan(0)
    }
    expect(await findWrongLinks(db)).toEqual([])
  })
})
