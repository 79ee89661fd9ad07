import { expect, test } from 'vitest'
import { closePeriod } from '../../src/billing/close-period.ts'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { forEachDatabase } from '../support/for-each-database.ts'
import { storeUsage, testKey } from '../support/store-usage.ts'

const ACME = testKey(1, 'key_acme', { owner: 'Acme' })
const NOBODY = testKey(2, 'key_nobody')
const october = parseBillingPeriod({ month: '2026-10' })
const november = parseBillingPeriod({ month: '2026-11' })
const now = new Date('2027-01-01T00:00Z')

forEachDatabase('close', (_kind, makeUrl) => {
  test('bills a month once, and late counts as corrections, also after a prune', async () => {
    const url = await makeUrl()
    await storeUsage(url, [
      { key: ACME, bucket: '2026-10-01T00:00Z', requests: 5 },
      { key: ACME, bucket: '2026-10-31T23:00Z', requests: 7, endpoint: '/b' },
      { key: ACME, bucket: '2026-10-31T22:00Z', requests: 9, status: 500 },
      { key: NOBODY, bucket: '2026-10-31T22:00Z', requests: 2 },
      { key: NOBODY, bucket: '2026-11-01T00:00Z', requests: 3 },
    ])
    const db = await openDatabase(url)
    const close = (period: typeof october) => closePeriod(db, '/nowhere', { period, billable: ['2xx'], now })
    const first = await close(october)
    expect(first).toMatchObject({
      statement: { number: 1, lineCount: 3 },
      totals: { usage: { requests: '14' } },
    })
    await expect(close(october)).rejects.toMatchObject({ code: 'CLOSE_REFUSED' })
    await storeUsage(url, [{ key: ACME, bucket: '2026-10-02T00:00Z', requests: 4 }])
    await pruneUsage(db, { before: new Date('2026-11-01T00:00Z') })
    await storeUsage(url, [{ key: ACME, bucket: '2026-10-02T00:00Z', requests: 1 }])
    const second = await close(november)
    expect(second).toMatchObject({
      statement: { corrects: [{ statement: 1, period: { label: '2026-10' } }], previousHash: first.hash },
      totals: { usage: { requests: '3' }, corrections: [{ statement: 1, quantities: { requests: '5' } }] },
    })
    await db.close()
  })
})
