import { expect, test } from 'vitest'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { checkStored } from '../../src/billing/check/check-stored.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import type { KeyIdentity } from '../../src/model/key.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { forgetOwner } from '../../src/store/remove/forget-owner.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { billedLines } from '../support/usage/billed-lines.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import type { StoredRow } from '../support/usage/store-usage.ts'

const KEY = testKey(1, 'key_1', { owner: 'Acme' })
const OTHER = testKey(2, 'key_2', { owner: 'Other' })
const PATH = '/users/:id'
const now = new Date('2027-01-01T00:00Z')
const by = (owner: string): KeyIdentity => ({ ...KEY, owner })
const row = (key: KeyIdentity, bucket: string, requests: number): StoredRow => ({ key, bucket, requests })
const close = (db: Database, month: string) =>
  closePeriod(db, '/nowhere', { period: parseBillingPeriod({ month }), billable: ['2xx'], now })

forEachDatabase('late counts of a closed month', (_, makeUrl) => {
  const withClosed = async (
    rows: readonly StoredRow[],
    run: (db: Database, add: (rows: readonly StoredRow[]) => Promise<unknown>) => Promise<void>,
  ) => {
    const url = await makeUrl()
    await storeUsage(url, rows)
    const db = await openDatabase(url)
    try {
      await close(db, '2026-10')
      await run(db, (more) => storeUsage(url, more))
      expect(await verifyUsage(db)).toMatchObject({ balanced: true, billing: { faults: [] } })
      expect(await checkStored(db)).toMatchObject({ intact: true })
    } finally {
      await db.close()
    }
  }

  test('go to the owner whom they name, when the key was billed to another one', () =>
    withClosed([row(KEY, '2026-10-05T00:00Z', 5)], async (db, add) => {
      await add([row(by('Beta'), '2026-10-20T00:00Z', 50)])
      await add([row(by('Gamma'), '2026-10-25T00:00Z', 500)])
      await add([row(by('Acme'), '2026-10-06T00:00Z', 1)])
      await close(db, '2026-11')
      expect(await billedLines(db, 2)).toEqual([
        ['Acme', PATH, '1', 1],
        ['Beta', PATH, '50', 1],
        ['Gamma', PATH, '500', 1],
      ])
      const found = await findUsage(db, { by: ['owner'] })
      const sums = Object.fromEntries(found.map(({ owner, requestCount }) => [owner, requestCount]))
      expect(sums).toEqual({ Acme: 6, Beta: 50, Gamma: 500 })
    }))

  test('go to the owner of a part of the month that gets a part of its own', () =>
    withClosed(
      [row(KEY, '2026-10-05T00:00Z', 5), row(by('Beta'), '2026-10-10T00:00Z', 7)],
      async (db, add) => {
        await add([row(by('Gamma'), '2026-10-20T00:00Z', 50), row(by('Delta'), '2026-10-08T00:00Z', 3)])
        await close(db, '2026-11')
        expect(await billedLines(db, 2)).toEqual([
          ['Delta', PATH, '3', 1],
          ['Gamma', PATH, '50', 1],
        ])
      },
    ))

  test('go to the new owner that a person named, from a time of which nothing was billed', () =>
    withClosed([row(KEY, '2026-10-05T00:00Z', 5)], async (db, add) => {
      await nameKey(db, KEY.id, { owner: 'Beta', from: new Date('2026-10-15T00:00Z') }, now.getTime())
      await add([row(KEY, '2026-10-20T00:00Z', 50)])
      await close(db, '2026-11')
      expect(await billedLines(db, 2)).toEqual([['Beta', PATH, '50', 1]])
    }))

  test('go to the former owner when the new one got a time that was billed', () =>
    withClosed([row(KEY, '2026-10-05T00:00Z', 5), row(KEY, '2026-10-18T00:00Z', 6)], async (db, add) => {
      await nameKey(db, KEY.id, { owner: 'Beta', from: new Date('2026-10-15T00:00Z') }, now.getTime())
      await add([row(KEY, '2026-10-20T00:00Z', 50)])
      await close(db, '2026-11')
      expect(await billedLines(db, 2)).toEqual([['Acme', PATH, '50', 1]])
    }))

  test.each(['stored before it was pruned', 'stored afterwards'])('go to the former owner: %s', (order) =>
    withClosed(
      [row(KEY, '2026-10-01T00:00Z', 5), row(by('Beta'), '2026-10-10T00:00Z', 7)],
      async (db, add) => {
        const prune = () => pruneUsage(db, { before: new Date('2026-11-01T00:00Z') })
        if (order === 'stored afterwards') await prune()
        await add([row(KEY, '2026-10-02T00:00Z', 100)])
        await prune()
        await close(db, '2026-11')
        expect(await billedLines(db, 2)).toEqual([['Acme', PATH, '100', 1]])
      },
    ),
  )

  test.each(['nothing', 'prune', 'forget'])('of a key that is new: %s', (what) =>
    withClosed([row(OTHER, '2026-10-01T00:00Z', 5)], async (db, add) => {
      await add([row(KEY, '2026-10-02T00:00Z', 100), row(by('Beta'), '2026-10-20T00:00Z', 50)])
      if (what === 'prune') await pruneUsage(db, { before: new Date('2026-11-01T00:00Z') })
      if (what === 'forget') await forgetOwner(db, 'Beta')
      await close(db, '2026-11')
      expect(await billedLines(db, 2)).toEqual([
        ['Acme', PATH, '100', 1],
        [what === 'forget' ? null : 'Beta', PATH, '50', 1],
      ])
    }),
  )
})
