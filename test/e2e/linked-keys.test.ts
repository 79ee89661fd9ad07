import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { startAnalytics } from '../../src/analytics.ts'
import type { ApiKeyAnalytics } from '../../src/api-key-analytics.ts'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import { checkStored } from '../../src/billing/check/check-stored.ts'
import { readStatement } from '../../src/billing/statement/read-statement.ts'
import { keyIdOfName } from '../../src/model/compute-key-id.ts'
import { openUsage } from '../../src/index.ts'
import { writeRateLimit } from '../../src/web/rate-limit-headers.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { linkKey, unlinkKey } from '../../src/store/keys/link-keys.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { serveCustomers } from '../support/apps/serve-customers.ts'
import { storeUsage } from '../support/usage/store-usage.ts'

const NOON = Date.UTC(2026, 10, 12, 12, 10)
const key = (label: string, owner: string | null = null) => ({
  id: keyIdOfName(label),
  label,
  name: null,
  owner,
})
const link = (db: Database, id: string, continues: string) =>
  linkKey(db, keyIdOfName(id), { continues: keyIdOfName(continues), acrossOwners: true })

forEachDatabase('keys that are linked', (_kind, makeUrl) => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function open(url: string): Promise<Database> {
    const db = await openDatabase(url)
    ends.push(() => db.close())
    return db
  }

  function start(database: string): ApiKeyAnalytics {
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-links-'))
    const analytics = startAnalytics(
      { database, dataDir, flushIntervalMs: 3_600_000, onError: (error) => expect(error).toBeUndefined() },
      () => NOON,
    )
    ends.push(async () => {
      await analytics.close()
      rmSync(dataDir, { recursive: true })
    })
    return analytics
  }

  const count = (analytics: ApiKeyAnalytics, id: string, times: number) => {
    for (let n = 0; n < times; n += 1) analytics.addEndpointAccess({ id }, 'GET /')
  }
  const used = (analytics: ApiKeyAnalytics, id: string) =>
    analytics.quotasOf({ id }).map(({ per, used: sum, limit }) => `${per} ${sum}/${limit}`)

  test('share a quota in the memory of an app, with what no process has delivered yet', async () => {
    const url = await makeUrl()
    const db = await open(url)
    const usage = await openUsage(url)
    ends.push(() => usage.close())
    const analytics = start(url)
    count(analytics, 'old', 2)
    count(analytics, 'new', 3)
    await analytics.flush()
    await usage.setQuota({ keyId: keyIdOfName('old'), unit: 'requests', per: 'month', limit: 100 })
    await usage.setQuota({ keyId: keyIdOfName('new'), unit: 'requests', per: 'day', limit: 50 })
    count(analytics, 'old', 1)
    await analytics.flush()
    expect(used(analytics, 'old')).toEqual(['month 3/100'])
    expect(used(analytics, 'new')).toEqual(['day 3/50'])
    await link(db, 'new', 'old')
    count(analytics, 'new', 10)
    expect(used(analytics, 'new')).toEqual(['day 13/50'])
    await analytics.flush()
    expect(used(analytics, 'old')).toEqual(['day 16/50', 'month 16/100'])
    expect(used(analytics, 'new')).toEqual(['day 16/50', 'month 16/100'])
    // at once, before the next flush
    count(analytics, 'old', 4)
    expect(used(analytics, 'new')).toEqual(['day 20/50', 'month 20/100'])
    // a quota of the same unit and period on another key of the line has no second header
    await usage.setQuota({ keyId: keyIdOfName('new'), unit: 'requests', per: 'month', limit: 90 })
    await analytics.flush()
    expect(used(analytics, 'old')).toEqual(['day 20/50', 'month 20/90'])
    const { policy } = writeRateLimit(analytics.quotasOf({ id: 'new' }), NOON)
    expect(policy).toBe('"key-requests-day";q=50;w=86400, "key-requests-month";q=90;w=2592000')
    await unlinkKey(db, keyIdOfName('new'))
    await analytics.flush()
    expect(used(analytics, 'old')).toEqual(['month 7/90'])
    expect(used(analytics, 'new')).toEqual(['day 13/50'])
  })

  test('are one key to a customer with the scope of a key, and never show another owner’s usage', async () => {
    const url = await makeUrl()
    const [acme, globex] = ['Acme', 'Globex']
    await storeUsage(url, [
      { key: key('old', acme), bucket: '2026-10-01T10:00Z', requests: 1 },
      { key: key('new', acme), bucket: '2026-10-02T10:00Z', requests: 20 },
      { key: key('foreign', globex), bucket: '2026-10-03T10:00Z', requests: 300 },
      { key: key('lone', null), bucket: '2026-10-04T10:00Z', requests: 4000 },
      { key: key('lone-old', null), bucket: '2026-10-05T10:00Z', requests: 50_000 },
      { key: key('named', null), bucket: '2026-10-06T10:00Z', requests: 600_000 },
    ])
    const db = await open(url)
    await nameKey(db, keyIdOfName('named'), { owner: globex })
    const seen = async (id: string, owner: string | null) => {
      // one that has kept no answer
      await using app = await serveCustomers(url, [{ scope: 'key' }])
      const { body } = await app.ask({ id, owner }, '?month=2026-10')
      const split = (await app.ask({ id, owner }, '?month=2026-10&by=key')).body
      expect(split.total).toEqual(body.total)
      return [body.total.requests, split.groups.map((group: { key: { label: string } }) => group.key.label)]
    }
    expect(await seen('new', acme)).toEqual([20, ['new']])
    await link(db, 'new', 'old')
    await link(db, 'foreign', 'new')
    await link(db, 'lone', 'lone-old')
    await link(db, 'named', 'lone')
    await link(db, 'lone-old', 'foreign')
    expect(await seen('new', acme)).toEqual([21, ['new', 'old']])
    expect(await seen('old', acme)).toEqual([21, ['new', 'old']])
    expect(await seen('foreign', globex)).toEqual([600_300, ['named', 'foreign']])
    // the app says no owner: only keys without one
    expect(await seen('lone', null)).toEqual([54_000, ['lone-old', 'lone']])
    expect(await seen('named', null)).toEqual([600_000, ['named']])
    // the database has an owner that the app named before, and does not name for this request
    expect(await seen('new', null)).toEqual([0, []])
    expect(await seen('lone', acme)).toEqual([21, ['new', 'old']])
    const usage = await openUsage(url)
    ends.push(() => usage.close())
    await usage.setQuota({ keyId: keyIdOfName('old'), unit: 'requests', per: 'month', limit: 100 })
    await using app = await serveCustomers(url, [{ scope: 'key' }])
    const { body } = await app.ask({ id: 'new', owner: acme }, '?month=2026-10')
    expect(body.quotas).toMatchObject([{ unit: 'requests', per: 'month', limit: '100' }])
  })

  test('leave statements as they are: one bills each key, and a customer finds those of its line', async () => {
    const url = await makeUrl()
    await storeUsage(url, [
      { key: key('old', 'Acme'), bucket: '2026-09-01T10:00Z', requests: 5 },
      { key: key('new', 'Acme'), bucket: '2026-10-02T10:00Z', requests: 20 },
      { key: key('old', 'Acme'), bucket: '2026-10-01T10:00Z', requests: 1 },
    ])
    const db = await open(url)
    const close = (month: string) =>
      closePeriod(db, '/nowhere', { period: parseBillingPeriod({ month }), billable: ['2xx'] })
    await close('2026-09')
    const before = await readStatement(db, 1)
    await link(db, 'new', 'old')
    expect(await readStatement(db, 1)).toEqual(before)
    await close('2026-10')
    const { accounts } = await readStatement(db, 2)
    expect(accounts.map(({ label, lines }) => [label, lines.map(({ quantity }) => quantity)])).toEqual([
      ['new', ['20']],
      ['old', ['1']],
    ])
    expect(await checkStored(db)).toMatchObject({ intact: true })
    await using app = await serveCustomers(url, [{ scope: 'key' }])
    const { statements } = (await app.ask({ id: 'new', owner: 'Acme' }, '?month=2026-10')).body
    expect(statements.map(({ usage }: { usage: object }) => usage)).toEqual([
      { requests: '5' },
      { requests: '21' },
    ])
  })
})
