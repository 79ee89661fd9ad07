import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkAlerts } from '../../src/alerts/check-alerts.ts'
import { findFindings } from '../../src/security/find-findings.ts'
import { usageSourceOf } from '../../src/report/usage/usage-source.ts'
import { linkKey, unlinkKey } from '../../src/store/keys/link-keys.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { measureQuotas } from '../../src/store/quotas/measure-quotas.ts'
import { readStoredQuotas } from '../../src/store/quotas/read-stored-quotas.ts'
import { removeQuota } from '../../src/store/quotas/remove-quota.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { fillKeys, fillUsage, keyIdOf } from '../support/usage/fill-usage.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** A Thursday. */
const NOW = Date.parse('2026-11-12T10:30:00Z')
const TODAY = NOW - (NOW % DAY)
const [OLD, NEW, OTHER] = [1, 2, 3].map(keyIdOf) as [string, string, string]

forEachDatabase('of linked keys', (_, makeUrl) => {
  let db: Database
  beforeEach(async () => {
    db = await openDatabase(await makeUrl())
    await fillKeys(db, [
      { key: 1, owner: 'acme', at: TODAY - 60 * DAY },
      { key: 2, owner: 'acme', at: TODAY },
      { key: 3, owner: 'acme', at: TODAY },
    ])
  })
  afterEach(() => db.close())

  describe('quotas', () => {
    beforeEach(() =>
      fillUsage(db, [
        { key: 1, bucket: TODAY - DAY, requests: 100, tokens: 1000 },
        { key: 1, bucket: TODAY, requests: 20, tokens: 200 },
        { key: 2, bucket: TODAY, requests: 3, tokens: 30 },
        { key: 3, bucket: TODAY, requests: 7 },
      ]),
    )
    const set = (keyId: string, limit: number, { unit = 'requests', now = NOW } = {}) =>
      setQuota(db, { keyId, unit, per: 'day', limit }, now)
    const used = async (...keyIds: string[]) => {
      const { quotas } = await measureQuotas(db, keyIds.length > 0 ? { keyIds } : undefined, NOW)
      return quotas.map(({ keyId, owner, unit, limit, used: sum }) => [keyId ?? owner, unit, limit, sum])
    }

    test('count what all keys of the line use, and the owner’s stays as it was', async () => {
      await set(OLD, 50)
      await set(OLD, 900, { unit: 'tokens' })
      await setQuota(db, { owner: 'acme', unit: 'requests', per: 'day', limit: 60 }, NOW)
      const ofOwner = ['acme', 'requests', 60n, 30n]
      expect(await used()).toEqual([[OLD, 'requests', 50n, 20n], [OLD, 'tokens', 900n, 200n], ofOwner])
      await linkKey(db, NEW, { continues: OLD })
      const ofLine = [
        [OLD, 'requests', 50n, 23n],
        [OLD, 'tokens', 900n, 230n],
      ]
      expect(await used()).toEqual([...ofLine, ofOwner])
      expect(await used(NEW)).toEqual(ofLine)
      expect(await used(OTHER)).toEqual([])
      await unlinkKey(db, NEW)
      expect(await used(OLD)).toEqual([
        [OLD, 'requests', 50n, 20n],
        [OLD, 'tokens', 900n, 200n],
      ])
    })

    test('of one unit and period: the one that was set last counts, and the other one after the end of the link', async () => {
      await set(OLD, 50, { now: NOW - 1000 })
      await set(NEW, 40)
      await linkKey(db, NEW, { continues: OLD })
      expect(await used()).toEqual([[NEW, 'requests', 40n, 23n]])
      expect(await used(OLD)).toEqual([[NEW, 'requests', 40n, 23n]])
      await unlinkKey(db, NEW)
      expect(await used()).toEqual([
        [OLD, 'requests', 50n, 20n],
        [NEW, 'requests', 40n, 3n],
      ])
    })

    test('are changed and removed by any key of the line', async () => {
      await set(OLD, 50, { now: NOW - 1000 })
      await set(NEW, 40)
      await linkKey(db, NEW, { continues: OLD })
      await linkKey(db, OTHER, { continues: OLD })
      const { before, quota } = await set(OTHER, 45, { now: NOW + 1 })
      expect(before).toMatchObject({ keyId: NEW, limit: 40n })
      expect(quota).toMatchObject({ keyId: NEW, limit: 45n })
      expect(await used()).toEqual([[NEW, 'requests', 45n, 30n]])
      expect(await removeQuota(db, { keyId: OTHER, unit: 'requests', per: 'day' })).toMatchObject({
        limit: 45n,
      })
      expect(await used()).toEqual([])
      await unlinkKey(db, NEW)
      expect(await used()).toEqual([])
    })

    test('that an app keeps: a line is one of them, and used where any of its keys is', async () => {
      await set(OLD, 50)
      await set(OTHER, 1)
      await linkKey(db, NEW, { continues: OLD })
      const stored = await readStoredQuotas(db, 100, NOW)
      expect(stored.lines).toEqual([[OLD, NEW]])
      expect(stored.quotas.map(({ keyId, used: sum }) => [keyId, sum])).toEqual([
        [OLD, 23n],
        [OTHER, 7n],
      ])
      // room for one: the key with the quota was not used for long, but the one that continues it
      await db.query(
        `update api_key_analytics_keys set last_used_at = ${db.dialect.timeOf('$2')} where id = $1`,
        [NEW, NOW + HOUR],
      )
      expect((await readStoredQuotas(db, 1, NOW)).quotas).toMatchObject([{ keyId: OLD }])
    })
  })

  test('alerts of a quota fire once for the line, whichever key has it', async () => {
    const check = async () =>
      (await checkAlerts(db, { delivery: { now: () => NOW } })).fired.map(({ key, threshold }) => [
        key?.id,
        threshold,
      ])
    await setQuota(db, { keyId: OLD, unit: 'requests', per: 'month', limit: 100 }, NOW - 5000)
    await fillUsage(db, [{ key: 1, bucket: TODAY - DAY, requests: 85 }])
    expect(await check()).toEqual([[OLD, 80]])
    await linkKey(db, NEW, { continues: OLD })
    expect(await check()).toEqual([])
    // a new limit on the newer key would not be a new threshold: it is the limit of the line
    await setQuota(db, { keyId: NEW, unit: 'requests', per: 'month', limit: 90 }, NOW)
    expect(await check()).toEqual([])
    await fillUsage(db, [{ key: 2, bucket: TODAY, requests: 15 }])
    expect(await check()).toEqual([[OLD, 100]])
  })

  describe('security findings', () => {
    const find = async () => {
      const { findings } = await findFindings(usageSourceOf(db), {
        since: new Date(TODAY - DAY),
        until: new Date(TODAY),
      })
      return findings.map(({ kind, key }) => [kind, key?.id])
    }
    /** What a key has in each hour of some days before yesterday. */
    const hours = (key: number, from: number, to: number, requests: number) =>
      Array.from({ length: ((to - from) * DAY) / HOUR }, (_, hour) => ({
        key,
        bucket: TODAY + from * DAY + hour * HOUR,
        requests,
      }))

    test('judge a key that continues an old one by the history of both', async () => {
      // another key makes a history of its own
      await fillUsage(db, [...hours(3, -29, 0, 30), ...hours(1, -29, -1, 400)])
      await fillUsage(db, hours(2, -1, 0, 450))
      expect(await find()).toContainEqual(['new-key-volume', NEW])
      await linkKey(db, NEW, { continues: OLD })
      expect(await find()).toEqual([])
      await unlinkKey(db, NEW)
      expect(await find()).toContainEqual(['new-key-volume', NEW])
    })

    test('do not fire again under the name of the newer key', async () => {
      await fillUsage(db, [...hours(3, -29, 0, 30), ...hours(1, -29, -1, 40), ...hours(1, -1, 0, 9000)])
      const check = async () =>
        (
          await checkAlerts(db, {
            security: { since: new Date(TODAY - DAY) },
            delivery: { now: () => TODAY },
          })
        ).fired.map(({ subject, key }) => [subject, key?.id])
      expect(await check()).toEqual([['unusual-rate', OLD]])
      await linkKey(db, NEW, { continues: OLD })
      expect(await find()).toEqual([['unusual-rate', NEW]])
      expect(await check()).toEqual([])
    })
  })
})
