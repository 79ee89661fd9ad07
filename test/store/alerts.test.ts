import { beforeEach, describe, expect, test } from 'vitest'
import { checkAlerts } from '../../src/alerts/check-alerts.ts'
import type { AlertCheckOptions } from '../../src/alerts/check-alerts.ts'
import { titleOfAlert, toAlertRecord, whoOf } from '../../src/alerts/describe-alert.ts'
import { readAlerts } from '../../src/store/alerts/read-alerts.ts'
import { pruneAlerts } from '../../src/store/alerts/remove-alerts.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { renameOwner } from '../../src/store/keys/rename-owner.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { anonymise } from '../../src/store/remove/anonymise.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { forgetOwner } from '../../src/store/remove/forget-owner.ts'
import { TestClock } from '../support/worlds/alert-world.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const NOVEMBER = Date.parse('2026-11-20T12:00Z')
const DECEMBER = Date.parse('2026-12-03T12:00Z')
const DAY = 86_400_000
const acme = testKey(1, 'key_acme', { name: 'Mobile app', owner: 'Acme' })
const shop = testKey(2, 'key_shop', { owner: 'Acme' })

forEachDatabase('alerts', (kind, makeUrl) => {
  let url: string
  let db: Database

  beforeEach(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    return () => db.close()
  })

  const use = (requests: number, time = NOVEMBER, key = acme, tokens = 0) => {
    const bucket = new Date(Math.floor(time / 3_600_000) * 3_600_000).toISOString()
    return storeUsage(url, [{ key, bucket, requests, ...(tokens > 0 && { quantities: { tokens } }) }])
  }
  const limit = (limit: number, unit = 'requests', keyId: string | undefined = acme.id) =>
    setQuota(db, { ...(keyId ? { keyId } : { owner: 'Acme' }), unit, per: 'month', limit })
  const check = async (options: AlertCheckOptions & { now?: number } = {}) => {
    const { now = NOVEMBER, ...rest } = options
    return (await checkAlerts(db, { ...rest, delivery: { now: () => now } })).fired
  }
  const titles = async (options: Parameters<typeof check>[0] = {}) => (await check(options)).map(titleOfAlert)

  describe('of quotas', () => {
    test('fire at 80 and at 100 percent, each once, with who and how much', async () => {
      await limit(1000)
      await use(799)
      expect(await titles()).toEqual([])
      await use(1)
      const [alert, ...others] = await check()
      expect(others).toEqual([])
      expect(alert).toMatchObject({
        kind: 'quota',
        severity: 'medium',
        key: { id: acme.id, name: 'Mobile app', owner: 'Acme' },
        owner: null,
        threshold: 80,
        since: new Date('2026-11-01T00:00Z'),
        until: new Date('2026-12-01T00:00Z'),
        firedAt: new Date(NOVEMBER),
        content: { unit: 'requests', per: 'month', timeZone: 'UTC', limit: '1000', used: '800' },
      })
      await use(199)
      expect(await titles()).toEqual([])
      await use(1)
      expect(await check()).toMatchObject([{ threshold: 100, severity: 'high' }])
      await use(5000)
      expect(await titles()).toEqual([])
      expect(await readAlerts(db, {})).toHaveLength(2)
    })

    test('fire for every quota: of keys and owners, requests and units', async () => {
      await limit(1000)
      await limit(10, 'tokens')
      await limit(1000, 'requests', '')
      await use(600, NOVEMBER, acme, 9)
      await use(600, NOVEMBER, shop)
      expect((await check()).map((alert) => `${whoOf(alert)}: ${titleOfAlert(alert)}`).toSorted()).toEqual([
        'Acme: 100% of requests per month',
        'Acme: 80% of requests per month',
        'Mobile app (key_acme): 80% of tokens per month',
      ])
    })

    test('fire at thresholds of your own', async () => {
      await limit(1000)
      await use(1200)
      expect(await titles({ thresholds: [50, 120, 121] })).toEqual([
        '120% of requests per month',
        '50% of requests per month',
      ])
      expect(await titles({ thresholds: [50, 80] })).toEqual(['80% of requests per month'])
    })

    test.each([0, -1, 1.5, Number.NaN, 1001])('refuse %d percent', async (percent) => {
      await expect(check({ thresholds: [percent] })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    })

    test('are armed again when the limit is raised, not when it is lowered', async () => {
      await limit(1000)
      await use(900)
      expect(await titles()).toHaveLength(1)
      await limit(2000)
      expect(await titles()).toEqual([])
      await use(800)
      expect(await titles()).toEqual(['80% of requests per month'])
      // 85 % of 2000, and more than all of 1000
      await limit(1000)
      expect(await titles()).toEqual(['100% of requests per month'])
      await limit(2000)
      expect(await titles()).toEqual([])
      await use(300)
      // now at 100 % of the higher limit
      expect(await titles()).toEqual(['100% of requests per month'])
      await limit(2000)
      expect(await titles()).toEqual([])
    })

    test('begin anew with every period', async () => {
      await limit(1000)
      await use(900)
      expect(await titles()).toHaveLength(1)
      expect(await titles({ now: DECEMBER })).toEqual([])
      await use(850, DECEMBER)
      expect(await titles({ now: DECEMBER })).toEqual(['80% of requests per month'])
      expect(await titles({ now: DECEMBER })).toEqual([])
    })

    describe('in a period that is over', () => {
      const MIDNIGHT = Date.parse('2026-11-20T00:00Z')
      const MINUTE = 60_000
      const setDaily = (limit: number, setAt = MIDNIGHT - 30 * DAY, timeZone = 'UTC') =>
        setQuota(db, { keyId: acme.id, unit: 'requests', per: 'day', limit, timeZone }, setAt)
      const seen = async (now: number) => (await check({ now })).map(toAlertRecord).map(({ text }) => text)

      test('fire for what was used after the last check before midnight, once, and say which day', async () => {
        await setDaily(100)
        await use(70, MIDNIGHT - 2 * 3_600_000)
        expect(await seen(MIDNIGHT - 5 * MINUTE)).toEqual([])
        await use(900, MIDNIGHT - MINUTE)
        await use(5, MIDNIGHT)
        const [alert, ...others] = await check({ now: MIDNIGHT })
        expect(alert).toMatchObject({
          since: new Date(MIDNIGHT - DAY),
          until: new Date(MIDNIGHT),
          threshold: 100,
        })
        expect([alert!, ...others].map(toAlertRecord).map(({ text }) => text)).toEqual([
          'Mobile app (key_acme): 970 of 100 requests used in 2026-11-19 (100% reached)',
          'Mobile app (key_acme): 970 of 100 requests used in 2026-11-19 (80% reached)',
        ])
        for (const later of [5 * MINUTE, DAY, 2 * DAY]) expect(await seen(MIDNIGHT + later)).toEqual([])
      })

      test('fire for what is delivered up to three days late, for each day, and not later', async () => {
        await setDaily(100)
        for (const day of [4, 3, 2]) await use(80 + day, MIDNIGHT - day * DAY)
        expect(await seen(MIDNIGHT + DAY)).toEqual([
          'Mobile app (key_acme): 82 of 100 requests used in 2026-11-18 (80% reached)',
        ])
        expect(await seen(MIDNIGHT + DAY - 1)).toEqual([
          'Mobile app (key_acme): 83 of 100 requests used in 2026-11-17 (80% reached)',
        ])
      })

      test('fire for the month before in its first three days', async () => {
        const december = Date.parse('2026-12-01T00:00Z')
        await setQuota(db, { keyId: acme.id, unit: 'tokens', per: 'month', limit: 10 }, MIDNIGHT)
        await use(1, NOVEMBER, acme, 8)
        expect(await seen(december + 3 * DAY)).toEqual([])
        expect(await seen(december + 3 * DAY - 1)).toEqual([
          'Mobile app (key_acme): 8 of 10 tokens used in 2026-11 (80% reached)',
        ])
      })

      test('fire for each side of the hour that comes twice, in the time zone of the quota', async () => {
        const midnight = Date.parse('2026-10-25T23:00Z')
        await setDaily(100, midnight - 30 * DAY, 'Europe/Berlin')
        await use(90, midnight - 25 * 3_600_000)
        await use(95, midnight - 26 * 3_600_000)
        expect(await seen(midnight + MINUTE)).toEqual([
          'Mobile app (key_acme): 95 of 100 requests used in 2026-10-24 (80% reached)',
          'Mobile app (key_acme): 90 of 100 requests used in 2026-10-25 (80% reached)',
        ])
      })

      test('fire nothing of a quota that was set or changed after the period ended', async () => {
        await use(100, MIDNIGHT - MINUTE)
        await setDaily(100, MIDNIGHT)
        expect(await seen(MIDNIGHT + MINUTE)).toEqual([])
        await setDaily(99, MIDNIGHT - MINUTE)
        expect(await seen(MIDNIGHT + MINUTE)).toHaveLength(2)
        await setDaily(110, MIDNIGHT + MINUTE)
        expect(await seen(MIDNIGHT + 2 * MINUTE)).toEqual([])
      })
    })

    test('fire nothing twice when the clock jumps', async () => {
      await limit(1000)
      await use(900)
      expect(await titles()).toHaveLength(1)
      for (const days of [40, -40, 400, -400, 14]) {
        expect(await titles({ now: NOVEMBER + days * DAY })).toEqual([])
        expect(await titles()).toEqual([])
      }
      expect(await readAlerts(db, {})).toHaveLength(1)
    })

    test('two checks at once fire each once', async () => {
      await limit(1000)
      await limit(1, 'tokens')
      await use(5000, NOVEMBER, acme, 5)
      // a thread that waits for the lock of SQLite keeps itself from releasing it
      const other = kind === 'sqlite' ? db : await openDatabase(url)
      const { now, pause } = new TestClock(NOVEMBER)
      const webhooks = [{ name: 'ops', url: new URL('http://127.0.0.1:1/'), secrets: ['QUJD'] }]
      const checks = await Promise.all(
        [db, other, db, other].map((one) => checkAlerts(one, { delivery: { now, pause }, webhooks })),
      )
      expect(
        checks
          .flatMap(({ fired }) => fired)
          .map(titleOfAlert)
          .toSorted(),
      ).toEqual([
        '100% of requests per month',
        '100% of tokens per month',
        '80% of requests per month',
        '80% of tokens per month',
      ])
      const stored = await readAlerts(db, {})
      expect(stored.flatMap(({ deliveries }) => deliveries)).toHaveLength(4)
      if (other !== db) await other.close()
    })

    test('have the same id when a database is restored, another one in another database', async () => {
      await limit(1000)
      await use(900)
      const [before] = await check()
      await db.query('delete from api_key_analytics_alerts')
      expect((await check({ now: NOVEMBER + 3_600_000 }))[0]!.id).toBe(before!.id)
      await db.query('delete from api_key_analytics_alerts')
      await db.query('update api_key_analytics_meta set database_id = $1', [testKey(9, '').id])
      expect((await check())[0]!.id).not.toBe(before!.id)
    })

    test('a dry run shows what would fire and records nothing', async () => {
      await limit(1000)
      await use(900)
      const [shown] = await check({ dryRun: true })
      expect(await readAlerts(db, {})).toEqual([])
      expect((await check())[0]).toEqual(shown)
      expect(await check({ dryRun: true })).toEqual([])
    })

    test('leave out what is not severe enough, and fire it when it is asked for', async () => {
      await limit(1000)
      await use(1000)
      expect(await titles({ minSeverity: 'high' })).toEqual(['100% of requests per month'])
      expect(await titles()).toEqual(['80% of requests per month'])
    })
  })

  describe('of security findings', () => {
    const refuse = (requests: number, time: number) =>
      storeUsage(url, [
        {
          key: acme,
          bucket: new Date(Math.floor(time / 3_600_000) * 3_600_000).toISOString(),
          status: 403,
          requests,
        },
      ])
    const security = { security: {}, quotas: false }

    test('fire once a day, and again when they become more severe', async () => {
      await refuse(60, NOVEMBER - 3_600_000)
      const [alert, ...others] = await check(security)
      expect(others).toEqual([])
      expect(alert).toMatchObject({
        kind: 'finding',
        severity: 'medium',
        subject: 'refused-key',
        key: { id: acme.id },
        since: new Date('2026-11-20T00:00Z'),
        until: new Date('2026-11-21T00:00Z'),
        threshold: null,
        content: { rule: 'refused-key', requestCount: 60 },
      })
      await refuse(10, NOVEMBER - 3_600_000)
      expect(await titles(security)).toEqual([])
      await refuse(1000, NOVEMBER - 3_600_000)
      expect(await check(security)).toMatchObject([{ subject: 'refused-key', severity: 'high' }])
      expect(await titles(security)).toEqual([])
      // the same requests, seen from the next morning
      expect(await titles({ ...security, now: NOVEMBER + 20 * 3_600_000 })).toEqual([])
      await refuse(60, NOVEMBER + DAY)
      expect(await titles({ ...security, now: NOVEMBER + DAY + 3_600_000 })).toEqual(['refused-key'])
    })

    test('are looked for with the thresholds that are given, and only when asked for', async () => {
      await refuse(60, NOVEMBER - 3_600_000)
      expect(await titles({ quotas: true })).toEqual([])
      expect(await titles({ security: { refusedRequests: 100 } })).toEqual([])
      expect(await titles({ security: { refusedRequests: 60 } })).toEqual(['refused-key'])
    })
  })

  describe('leave no name behind', () => {
    const everything = async (): Promise<string> => {
      const tables = ['api_key_analytics_alerts', 'api_key_analytics_alert_deliveries']
      const rows = await Promise.all(tables.map((table) => db.query(`select * from ${table}`)))
      return JSON.stringify(rows)
    }
    const fireAll = async () => {
      await limit(1000)
      await limit(1000, 'requests', '')
      await use(900)
      await use(1, NOVEMBER, shop)
      const webhooks = [{ name: 'ops', url: new URL('http://127.0.0.1:1/'), secrets: ['QUJD'] }]
      const delivery = { now: () => NOVEMBER, pause: async () => {} }
      expect((await checkAlerts(db, { webhooks, delivery })).fired).toHaveLength(2)
    }

    test('the name of a key is in no alert', async () => {
      await fireAll()
      expect(await everything()).not.toContain('Mobile app')
    })

    test('when a key is forgotten its alerts go, and those of an owner without other keys', async () => {
      await fireAll()
      await forgetKey(db, acme.id)
      expect((await readAlerts(db, {})).map(whoOf)).toEqual(['Acme'])
      await forgetKey(db, shop.id)
      expect(await everything()).toBe('[[],[]]')
    })

    test('when an owner is forgotten or anonymised', async () => {
      await fireAll()
      await anonymise(db, { owner: 'Acme' })
      expect((await readAlerts(db, {})).map(whoOf)).toEqual([`key-${acme.id.slice(0, 8)}`])
      expect(await everything()).not.toContain('Acme')
      await forgetKey(db, acme.id)
      await fireAll()
      await forgetOwner(db, 'Acme')
      expect(await everything()).toBe('[[],[]]')
    })

    test('when an owner is forgotten who had a key for some time, its alerts of that time go', async () => {
      await fireAll()
      const sold = new Date(NOVEMBER + DAY)
      await nameKey(db, acme.id, { owner: 'Globex', from: sold })
      await use(2000, NOVEMBER + 2 * DAY)
      expect(await titles({ now: NOVEMBER + 2 * DAY })).toEqual(['100% of requests per month'])
      await forgetOwner(db, 'Acme')
      expect((await readAlerts(db, {})).map(titleOfAlert)).toEqual(['100% of requests per month'])
    })

    test('a renamed owner keeps its alerts, and no threshold fires again', async () => {
      await fireAll()
      await renameOwner(db, 'Acme', 'ACME Ltd')
      expect(await everything()).not.toContain('"Acme"')
      expect(await titles()).toEqual([])
    })

    test('a new owner of a name that was free again fires alerts of its own, with other ids', async () => {
      const setQuotaOfAcme = (setAt: number) =>
        setQuota(db, { owner: 'Acme', unit: 'requests', per: 'month', limit: 100 }, setAt)
      await setQuotaOfAcme(NOVEMBER - DAY)
      await use(85)
      const [former] = await check()
      expect(former).toMatchObject({ owner: 'Acme', threshold: 80 })
      await renameOwner(db, 'Acme', 'Acme Corp')
      await use(95, NOVEMBER, testKey(3, 'key_new', { owner: 'Acme' }))
      await setQuotaOfAcme(NOVEMBER)
      const [shown] = await check({ dryRun: true })
      const [alert, ...others] = await check()
      expect(others).toEqual([])
      expect(alert).toEqual(shown)
      expect(alert).toMatchObject({ owner: 'Acme', threshold: 80, content: { used: '95' } })
      expect(alert!.id).not.toBe(former!.id)
      expect(await check({ dryRun: true })).toEqual([])
      expect((await readAlerts(db, {})).map(whoOf).toSorted()).toEqual(['Acme', 'Acme Corp'])
    })

    test('a customer who comes back after it was forgotten fires with other ids', async () => {
      await fireAll()
      const former = (await readAlerts(db, {})).map(({ id }) => id)
      await forgetOwner(db, 'Acme')
      await setQuota(db, { owner: 'Acme', unit: 'requests', per: 'month', limit: 1000 }, NOVEMBER)
      await use(900)
      const [alert] = await check()
      expect(alert).toMatchObject({ owner: 'Acme', threshold: 80 })
      expect(former).not.toContain(alert!.id)
    })
  })

  test('prune removes alerts of periods that are over, and never makes one fire again', async () => {
    await limit(1000)
    await use(900)
    await check()
    await use(900, DECEMBER)
    await check({ now: DECEMBER })
    const before = new Date(DECEMBER)
    expect(await pruneAlerts(db, { before, now: before })).toBe(0)
    expect(await titles({ now: DECEMBER })).toEqual([])
    const now = new Date(DECEMBER + DAY)
    expect(await pruneAlerts(db, { before, now, keyId: shop.id })).toBe(0)
    expect(await pruneAlerts(db, { before, now })).toBe(1)
    expect(await titles({ now: DECEMBER + DAY })).toEqual([])
    expect(await readAlerts(db, {})).toHaveLength(1)
  })
})
