import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { findImports } from '../../src/store/imports/find-imports.ts'
import { removeImport } from '../../src/store/imports/remove-import.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { findKeys } from '../../src/store/read/find-keys.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { forgetOwner } from '../../src/store/remove/forget-owner.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { findWrongSums } from '../support/usage/find-wrong-sums.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { importRows } from '../support/usage/import-rows.ts'
import { searchRuns } from '../support/search-runs.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const START = Date.UTC(2026, 8, 1)
const HOUR_MS = 3_600_000
const OWNERS = ['Acme', 'Beta']
const HOURS = 72
const anyKey = fc.integer({ min: 1, max: 3 })
const anyHour = fc.nat(HOURS - 1)
const anyOwner = fc.option(fc.constantFrom(...OWNERS))
const anyRow = fc.record({
  key: anyKey,
  owner: anyOwner,
  hour: anyHour,
  isDay: fc.boolean(),
  endpoint: fc.constantFrom('/a', '/b'),
  requests: fc.nat(9),
  tokens: fc.nat(99),
})
const anyRows = fc.array(anyRow, { minLength: 1, maxLength: 6 })
const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('count' as const), rows: anyRows }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('import' as const), rows: anyRows }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('prune' as const), hour: anyHour }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('roll up' as const), hour: anyHour }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), key: anyKey }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('forget owner' as const), owner: fc.constantFrom(...OWNERS) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('give' as const), key: anyKey, owner: anyOwner, hour: anyHour }),
  },
)
type Step = typeof anyStep extends fc.Arbitrary<infer One> ? One : never
type Row = typeof anyRow extends fc.Arbitrary<infer One> ? One : never

forEachDatabase('imports', (_, makeUrl) => {
  let url: string
  let db: Database
  let run = 0
  beforeAll(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
  })
  afterAll(() => db.close())

  const keyOf = (key: number, owner: string | null = null) =>
    // of this run: names are not shared with others
    testKey(run * 10 + key, `run ${run} key ${key}`, { owner: owner && `run ${run} ${owner}` })
  const toRow = ({ key, owner, hour, isDay, ...row }: Row) => ({
    key: keyOf(key, owner),
    bucket: new Date(START + (isDay ? Math.floor(hour / 24) * 24 : hour) * HOUR_MS).toISOString(),
    bucketMinutes: isDay ? (1440 as const) : (60 as const),
    ...row,
  })

  const take = async (step: Step): Promise<void> => {
    if (step.do === 'count') {
      for (const [index, row] of step.rows.map(toRow).entries()) {
        const { tokens, ...counted } = row
        if (counted.requests === 0) continue
        await storeUsage(url, [
          {
            ...counted,
            endpoint: `${counted.endpoint}${index}`,
            quantities: { tokens },
          },
        ])
      }
    } else if (step.do === 'import') {
      const rows = step.rows.map(toRow)
      // a number in the file makes every file another one
      await importRows(
        db,
        rows.map((row, index) =>
          Object.assign(row, { endpoint: `${row.endpoint}-${(files += 1)}-${index}` }),
        ),
      )
    } else if (step.do === 'remove') {
      const imports = await findImports(db)
      const chosen = imports[step.which % imports.length]
      if (chosen) await removeImport(db, chosen.import)
    } else if (step.do === 'prune') await pruneUsage(db, { before: new Date(START + step.hour * HOUR_MS) })
    else if (step.do === 'roll up') await rollUpUsage(db, { before: new Date(START + step.hour * HOUR_MS) })
    else if (step.do === 'forget') await forgetKey(db, keyOf(step.key).id)
    else if (step.do === 'forget owner') await forgetOwner(db, `run ${run} ${step.owner}`)
    else {
      const [found] = await findKeys(db, keyOf(step.key).id)
      const from = new Date(START + step.hour * HOUR_MS)
      if (found) await nameKey(db, found.id, { owner: step.owner && `run ${run} ${step.owner}`, from })
    }
  }
  let files = 0

  test('balance with verify after any steps, and leave with the last of them no trace', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 2, maxLength: 12, size: 'max' }), async (steps) => {
        run += 1
        for (const step of steps) {
          await take(step)
          const account = await verifyUsage(db, { histograms: true })
          expect(account).toMatchObject({ balanced: true, missingRequests: 0, wrongHistograms: 0 })
          expect(await findWrongSums(db)).toEqual([])
          const [imported] = await findUsage(db, { imported: true })
          const stored = account.imports
            .filter(({ unit }) => unit === 'requests')
            .map((one) => Number(one.stored))
          expect(imported?.requestCount ?? 0).toBe(stored.reduce((sum, one) => sum + one, 0))
        }
        for (const { import: id } of await findImports(db)) await removeImport(db, id)
        expect(await db.query('select 1 from api_key_analytics where import_id <> 0')).toEqual([])
        expect(await db.query('select 1 from api_key_analytics_quantities where import_id <> 0')).toEqual([])
        expect(await db.query('select 1 from api_key_analytics_keys where import_id <> 0')).toEqual([])
        for (const key of [1, 2, 3]) await forgetKey(db, keyOf(key).id)
        expect(await verifyUsage(db)).toMatchObject({ balanced: true, imports: [], storedRequests: 0 })
      }),
      { numRuns: searchRuns(25), endOnFailure: true },
    )
  })
})
