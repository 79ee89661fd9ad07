import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { readCounts } from '../support/crash/read-counts.ts'
import { searchRuns } from '../support/search-runs.ts'
import { serveCustomers } from '../support/apps/serve-customers.ts'
import type { CustomersApp } from '../support/apps/serve-customers.ts'
import { storeUsage } from '../support/usage/store-usage.ts'
import { keyIdOfName } from '../../src/model/compute-key-id.ts'

/** Names that are equal only to a careless eye, or to careless code. */
const OWNERS = [
  'Acme',
  'acme',
  'Αcme', // a Greek letter
  'Acme\u200b', // an invisible one
  'Ａcme',
  'Acm\u00e9',
  'Acme\u0301',
  '__proto__',
  'constructor',
  '(other)',
  '(rejected)',
  'null',
  'undefined',
  '%',
  '*',
  "Acme' or '1' = '1",
  'Acme"]',
  '["Acme"]',
  '😀',
  'a'.repeat(200),
]
const KEYS = 4

interface Step {
  readonly key: number
  readonly owner: string | null
  readonly requests: number
  readonly status: number
}

const anyOwner = fc.option(fc.constantFrom(...OWNERS), { freq: 5 })
const anyStep: fc.Arbitrary<Step> = fc.record({
  key: fc.nat(KEYS - 1),
  owner: anyOwner,
  requests: fc.integer({ min: 1, max: 1000 }),
  status: fc.constantFrom(200, 204, 401, 404, 500),
})
/** What an app could give to `setApiKey` by mistake, or because a client made it do so. */
const anyGiven = fc.oneof(
  anyOwner,
  fc.constantFrom<unknown>(
    '',
    ' ',
    'Acme ',
    '\u0000Acme',
    'b'.repeat(300),
    ['Acme'],
    { toString: () => 'Acme' },
    0,
    NaN,
    true,
    {},
  ),
)
const anyIdentity = fc.record({ key: fc.nat(KEYS + 1), owner: anyGiven })
/** No key at all. */
const NOBODY: readonly unknown[] = [
  null,
  '',
  ' ',
  [],
  ['Acme'],
  {},
  { owner: 'Acme' },
  { id: '', owner: 'Acme' },
  { id: ['Acme'], owner: 'Acme' },
  { id: {}, owner: 'Acme' },
  { id: '(other)', owner: 'Acme' },
  { id: '(rejected)', owner: 'Acme' },
  { id: '00000000-0000-0000-0000-000000000001', owner: 'Acme' },
  { id: '00000000-0000-0000-0000-000000000002', owner: 'Acme' },
]

/** The owner of each step: an owner that nobody knows yet becomes known for the time before, and lasts. */
function ownersOf(steps: readonly Step[]): (string | null)[] {
  return steps.map(({ key, owner }, index) => {
    const isSaid = (step: Step) => step.key === key && step.owner !== null
    return (
      owner ?? steps.slice(0, index).findLast(isSaid)?.owner ?? steps.slice(index).find(isSaid)?.owner ?? null
    )
  })
}

/** The same cleaning as for names that are counted. */
const cleaned = (owner: unknown): string | null =>
  typeof owner === 'string'
    ? owner
        .replace(/[\p{Cc}\p{Cs}]/gu, '')
        .trim()
        .slice(0, 200) || null
    : null

forEachDatabase('the usage of a customer', (_, makeUrl) => {
  let db: Database
  let app: CustomersApp
  let url: string
  let run = 0
  beforeAll(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    const usual = { maxPerMinute: 60_000, cacheMs: 0 }
    app = await serveCustomers(url, [usual, { ...usual, path: '/key', scope: 'key' }])
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await db.close()
  })

  test('is never that of somebody else, and is what the reports say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 1, maxLength: 12 }),
        fc.array(anyIdentity, { minLength: 3, maxLength: 3 }),
        async (steps, identities) => {
          run += 1
          // a month of its own, because the database and the names are those of every run
          const since = Date.UTC(2020, run, 1)
          const until = new Date(Date.UTC(2020, run + 1, 1))
          const month = new Date(since).toISOString().slice(0, 7)
          const idOf = (key: number) => `key ${run} ${key}`
          const owners = ownersOf(steps)
          const rows = steps.map(({ key, owner, requests, status }, index) => ({
            key: { id: keyIdOfName(idOf(key)), label: idOf(key), name: `name by ${owner}`, owner },
            bucket: new Date(since + index * 3_600_000 * 7).toISOString(),
            // tells whose requests they were
            endpoint: `/${run}/${index}`,
            status,
            requests,
            quantities: { tokens: requests * 3 },
          }))
          await storeUsage(url, rows)

          for (const { key, owner } of identities) {
            const asked = { id: idOf(key), owner }
            const name = cleaned(owner)
            for (const path of ['/v1/usage', '/key']) {
              const ofKey = path === '/key' || name === null
              const own = rows.filter(
                (_row, index) => owners[index] === name && (!ofKey || steps[index]!.key === key),
              )
              const expected = own.reduce((sum, { requests }) => sum + requests, 0)
              const { status, body } = await app.ask(asked, `?month=${month}`, { path })
              expect({ status, ...readCounts(body) }).toEqual({
                status: 200,
                requests: expected,
                tokens: expected * 3,
                endpoints: own.map(({ endpoint }) => endpoint).sort(),
                inSteps: expected,
              })
              const byKey = await app.ask(asked, `?month=${month}&by=key`, { path })
              expect(byKey.body.total.requests).toBe(expected)
              for (const { key: one } of byKey.body.groups) {
                // the name is that of the present owner
                const last = steps.findLastIndex((step) => keyIdOfName(idOf(step.key)) === one.id)
                if (owners[last] !== name) expect(one.name).toBeNull()
              }
              if (ofKey) continue
              const [report] = await findUsage(db, { owner: name, since: new Date(since), until })
              expect(report?.requestCount ?? 0).toBe(expected)
            }
          }
          for (const identity of NOBODY) {
            expect(await app.ask(identity, `?month=${month}`)).toMatchObject({ status: 401 })
          }
        },
      ),
      { numRuns: searchRuns(25) },
    )
  })
})
