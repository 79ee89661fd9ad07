import { expect, test } from 'vitest'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import { parsePriceList } from '../../src/billing/price/price-list.ts'
import { priceStatement } from '../../src/billing/price/price-statement.ts'
import { openStatement } from '../../src/billing/statement/read-statement.ts'
import { createAnswerQuestion } from '../../src/self-service/answer-question.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { renameOwner } from '../../src/store/keys/rename-owner.ts'
import { forgetOwner } from '../../src/store/remove/forget-owner.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { billedLines } from '../support/usage/billed-lines.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const [SHOP, FEED] = [testKey(1, 'shop', { owner: 'Acme' }), testKey(2, 'feed', { owner: 'Acme' })]
const NEW_ACME = testKey(3, 'other', { owner: 'Acme' })
const now = new Date('2027-01-01T00:00Z')
const close = (db: Database, month: string) =>
  closePeriod(db, '/nowhere', { period: parseBillingPeriod({ month }), billable: ['2xx'], now })

forEachDatabase('a customer that was renamed', (_, makeUrl) => {
  const withOctober = async (run: (db: Database, url: string) => Promise<void>) => {
    const url = await makeUrl()
    await storeUsage(url, [{ key: SHOP, bucket: '2026-10-05T00:00Z', requests: 100 }])
    const db = await openDatabase(url)
    try {
      await close(db, '2026-10')
      await run(db, url)
    } finally {
      await db.close()
    }
  }

  test('sees its statements, and a new customer with its former name does not', () =>
    withOctober(async (db, url) => {
      const answer = createAnswerQuestion(async () => db)
      const statementsOf = async (owner: string) => {
        const customer = { scope: 'owner', keyId: '', owner } as const
        const { statements } = await answer({ customer, since: 0, until: now.getTime(), timeZone: 'UTC' })
        return statements.map(({ number, usage }) => [number, usage])
      }
      const billed = [[1, { requests: 100n }]]
      expect(await statementsOf('Acme')).toEqual(billed)
      await renameOwner(db, 'Acme', 'Acme Corp')
      await storeUsage(url, [{ key: NEW_ACME, bucket: '2026-11-05T00:00Z', requests: 1 }])
      expect(await statementsOf('Acme')).toEqual([])
      expect(await statementsOf('Acme Corp')).toEqual(billed)
      expect(await billedLines(db, 1)).toEqual([['Acme', '/users/:id', '100']])
    }))

  test('is forgotten, and a new customer with its former name is not', () =>
    withOctober(async (db, url) => {
      await renameOwner(db, 'Acme', 'Acme Corp')
      await storeUsage(url, [{ key: NEW_ACME, bucket: '2026-11-05T00:00Z', requests: 1 }])
      await close(db, '2026-11')
      await forgetOwner(db, 'Acme Corp')
      expect(await billedLines(db, 1)).toEqual([[null, '/users/:id', '100']])
      expect(await billedLines(db, 2)).toEqual([['Acme', '/users/:id', '1']])
    }))

  test('gets free quantities once', () =>
    withOctober(async (db, url) => {
      const list = parsePriceList(
        JSON.stringify({ currency: 'EUR', prices: [{ unit: 'requests', free: '100', price: '1' }] }),
        'prices.json',
      )
      const priceOf = async (number: number) =>
        (await priceStatement(db, await openStatement(db, number), list)).total
      await renameOwner(db, 'Acme', 'Acme Corp')
      await storeUsage(url, [
        { key: { ...FEED, owner: 'Acme Corp' }, bucket: '2026-10-05T00:00Z', requests: 60 },
      ])
      await close(db, '2026-11')
      await renameOwner(db, 'Acme Corp', 'Acme Inc')
      await storeUsage(url, [{ key: { ...SHOP, owner: null }, bucket: '2026-10-06T00:00Z', requests: 30 }])
      await close(db, '2026-12')
      expect(await Promise.all([1, 2, 3].map(priceOf))).toEqual(['0.00', '60.00', '30.00'])
    }))
})
