import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { NewQuota } from '../../src/model/quota.ts'
import { OTHER_KEY } from '../../src/model/key.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { renameOwner } from '../../src/store/keys/rename-owner.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { findQuotas } from '../../src/store/quotas/find-quotas.ts'
import { measureQuotas } from '../../src/store/quotas/measure-quotas.ts'
import { removeQuota } from '../../src/store/quotas/remove-quota.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { anonymise } from '../../src/store/remove/anonymise.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { forgetOwner } from '../../src/store/remove/forget-owner.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { searchRuns } from '../support/search-runs.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import type { StoredRow } from '../support/usage/store-usage.ts'

/** A Thursday. */
const NOW = Date.parse('2026-11-12T10:30:00Z')
const [ACME_1, ACME_2, BETA, NOBODY] = [
  testKey(1, 'acme-1', { owner: 'Acme' }),
  testKey(2, 'acme-2', { owner: 'Acme' }),
  testKey(3, 'beta', { owner: 'Beta' }),
  testKey(4, 'nobody'),
]

const ROWS: StoredRow[] = [
  { key: ACME_1, bucket: '2026-10-31T23:00:00Z', requests: 1000, quantities: { tokens: 7000 } },
  { key: ACME_1, bucket: '2026-11-01T00:00:00Z', requests: 1, quantities: { tokens: 10 } },
  { key: ACME_1, bucket: '2026-11-09T00:00:00Z', requests: 20, quantities: { tokens: 300, rows: 4 } },
  {
    key: ACME_1,
    bucket: '2026-11-12T10:00:00Z',
    requests: 300,
    endpoint: '/a',
    quantities: { tokens: 5000 },
  },
  { key: ACME_1, bucket: '2026-11-12T10:00:00Z', requests: 4, endpoint: '/b', status: 500 },
  { key: ACME_2, bucket: '2026-11-12T10:00:00Z', requests: 50, quantities: { tokens: 1 } },
  { key: BETA, bucket: '2026-11-12T10:00:00Z', requests: 7, quantities: { tokens: 70 } },
  { key: NOBODY, bucket: '2026-11-12T10:00:00Z', requests: 9 },
]

forEachDatabase('quotas', (_, makeUrl) => {
  let db: Database
  const open = async (rows: readonly StoredRow[] = ROWS) => {
    const url = await makeUrl()
    await storeUsage(url, rows)
    db = await openDatabase(url)
  }
  afterEach(() => db?.close())

  const set = (...quotas: NewQuota[]) => Promise.all(quotas.map((quota) => setQuota(db, quota, NOW)))
  const used = async (...filter: Parameters<typeof measureQuotas>[1][]) => {
    const { quotas } = await measureQuotas(db, filter[0], NOW)
    return quotas.map(({ keyId, owner, unit, per, used: sum }) => `${keyId ?? owner} ${unit}/${per} ${sum}`)
  }

  test('a quota is set, changed and removed, and says what it was before', async () => {
    await open()
    const name = { keyId: ACME_1.id, unit: 'tokens', per: 'month' } as const
    const first = await setQuota(db, { ...name, limit: 1000 }, NOW)
    expect(first).toEqual({
      before: undefined,
      quota: { ...name, owner: null, limit: 1000n, timeZone: 'UTC', setAt: new Date(NOW) },
    })
    // an id in capitals is the same key
    const changed = { ...name, keyId: name.keyId.toUpperCase(), limit: 999_999_999_999_999n }
    const second = await setQuota(db, { ...changed, timeZone: 'Europe/Berlin' }, NOW + 5)
    expect(second.before).toEqual(first.quota)
    expect(second.quota).toMatchObject({ limit: 999_999_999_999_999n, timeZone: 'Europe/Berlin' })
    expect(second.quota.setAt).toEqual(new Date(NOW + 5))
    const again = await setQuota(db, { ...name, limit: second.quota.limit }, NOW + 10)
    expect(again.quota).toEqual(second.quota)
    expect(await findQuotas(db, db.dialect)).toEqual([second.quota])
    expect(await removeQuota(db, { ...name, per: 'day' })).toBeUndefined()
    expect(await removeQuota(db, name)).toEqual(second.quota)
    expect(await removeQuota(db, name)).toBeUndefined()
    expect(await findQuotas(db, db.dialect)).toEqual([])
  })

  test('wrong quotas are refused and not stored', async () => {
    await open([])
    const right = { keyId: ACME_1.id, unit: 'tokens', per: 'month', limit: 1 }
    const wrong: [string, object][] = [
      ['no subject', { keyId: undefined }],
      ['two subjects', { owner: 'Acme' }],
      ['a key that is a name', { keyId: 'acme-1' }],
      ['a reserved key', { keyId: OTHER_KEY.id }],
      ['an empty owner', { keyId: undefined, owner: '' }],
      ['an owner that cannot be stored', { keyId: undefined, owner: 'a\0b' }],
      ['a unit in capitals', { unit: 'Tokens' }],
      ['no unit', { unit: undefined }],
      ['an hour', { per: 'hour' }],
      ['an inherited property as period', { per: 'constructor' }],
      ['a limit of 0', { limit: 0 }],
      ['a fraction', { limit: 1.5 }],
      ['NaN', { limit: Number.NaN }],
      ['a text as limit', { limit: '100' }],
      ['a limit that no header can hold', { limit: 10n ** 15n }],
      ['an unknown time zone', { timeZone: 'Mars/Olympus' }],
    ]
    const codes: string[] = []
    for (const [name, part] of wrong) {
      const setting = setQuota(db, { ...right, ...part } as unknown as NewQuota)
      codes.push(`${name}: ${await setting.then(String, (error: { code: string }) => error.code)}`)
    }
    expect(codes).toEqual(wrong.map(([name]) => `${name}: ARGUMENT_INVALID`))
    expect(await findQuotas(db, db.dialect)).toEqual([])
  })

  test('measures the present day, week and month of keys and owners, per unit', async () => {
    await open()
    const per = (period: 'day' | 'week' | 'month') => ({ unit: 'requests', per: period, limit: 100 }) as const
    await set(
      { owner: 'Acme', ...per('day') },
      { owner: 'Acme', ...per('month'), unit: 'tokens' },
      { keyId: ACME_1.id, ...per('day') },
      { keyId: ACME_1.id, ...per('week') },
      { keyId: ACME_1.id, ...per('month') },
      { keyId: ACME_1.id, ...per('month'), unit: 'rows' },
      { keyId: NOBODY.id, ...per('month'), unit: 'tokens' },
      { owner: 'Nobody yet', ...per('day') },
    )
    expect(await used()).toEqual([
      `${ACME_1.id} requests/day 304`,
      `${ACME_1.id} requests/month 325`,
      `${ACME_1.id} requests/week 324`,
      `${ACME_1.id} rows/month 4`,
      `${NOBODY.id} tokens/month 0`,
      'Acme requests/day 354',
      'Acme tokens/month 5311',
      'Nobody yet requests/day 0',
    ])
    const { quotas } = await measureQuotas(db, { keyIds: [NOBODY.id] }, NOW)
    expect(quotas).toMatchObject([
      { since: new Date('2026-11-01T00:00:00Z'), until: new Date('2026-12-01T00:00:00Z') },
    ])
    expect(await used({ owners: ['Nobody yet'], keyIds: [NOBODY.id] })).toHaveLength(2)
    expect(await used({ owners: [] })).toEqual([])
    expect(await used({ keyIds: ["' or true --"], owners: ["' or true --"] })).toEqual([])
  })

  test('a period begins where it begins in the time zone of its quota', async () => {
    await open()
    await set({ keyId: ACME_1.id, unit: 'tokens', per: 'month', limit: 5, timeZone: 'Europe/Berlin' })
    const { quotas } = await measureQuotas(db, undefined, NOW)
    // from 23:00 UTC on the day before
    expect(quotas).toMatchObject([
      { used: 12_310n, since: new Date('2026-10-31T23:00:00Z'), until: new Date('2026-11-30T23:00:00Z') },
    ])
  })

  test('takes five statements for any number of quotas', async () => {
    await open()
    for (let number = 0; number < 40; number += 1) {
      const unit = number % 2 ? 'requests' : 'tokens'
      await set({ keyId: testKey(number, '').id, unit, per: 'month', limit: 1 })
      await set({ owner: `owner ${number}`, unit, per: 'day', limit: 1 })
    }
    const statements: string[] = []
    const query: Database['query'] = (sql, params) => {
      statements.push(sql)
      return db.query(sql, params)
    }
    expect((await measureQuotas({ ...db, query }, undefined, NOW)).quotas).toHaveLength(80)
    expect(statements).toHaveLength(5)
  })

  test('says up to when the database is complete', async () => {
    db = await openDatabase(await makeUrl())
    expect((await measureQuotas(db)).completeUntil).toBeNull()
    const ago = (minutes: number) => new Date(NOW - minutes * 60_000)
    const deliver = (instance: number, at: Date) =>
      db.query(
        `insert into api_key_analytics_ledger (instance, sequence, updated_at)
values ($1, 1, ${db.dialect.timeOf('$2')})`,
        [testKey(instance, '').id, at.getTime()],
      )
    const until = async () => (await measureQuotas(db, undefined, NOW)).completeUntil
    // silent for long: the last word of all
    await deliver(1, ago(600))
    await deliver(2, ago(90))
    expect(await until()).toEqual(ago(90))
    // of those that deliver, the one that is behind
    await deliver(3, ago(1))
    await deliver(4, ago(4))
    await deliver(5, ago(0.1))
    expect(await until()).toEqual(ago(4))
    await db.query('delete from api_key_analytics_ledger')
    // never the future
    await deliver(6, ago(-3))
    expect(await until()).toEqual(new Date(NOW))
  })

  describe('what becomes of quotas', () => {
    const quota = { unit: 'tokens', per: 'month', limit: 10 } as const
    const openWithQuotas = async () => {
      await open()
      await set(
        { owner: 'Acme', ...quota },
        { owner: 'Acme', ...quota, unit: 'requests' },
        { owner: 'Beta', ...quota },
        { keyId: ACME_1.id, ...quota },
        { keyId: ACME_2.id, ...quota },
        { keyId: BETA.id, ...quota },
      )
    }
    const left = async () =>
      (await findQuotas(db, db.dialect)).map(({ keyId, owner, unit, limit }) => [
        keyId ? [ACME_1, ACME_2, BETA].find(({ id }) => id === keyId)!.label : owner,
        unit,
        Number(limit),
      ])
    const ofKeys = ['acme-1', 'acme-2', 'beta'].map((label) => [label, 'tokens', 10])

    test('a rename moves those of the owner', async () => {
      await openWithQuotas()
      const renamed = await renameOwner(db, 'Acme', 'Acme plc')
      expect(renamed).toEqual({ keys: 2, alerts: 0, quotas: 2, droppedQuotas: 0 })
      expect(await left()).toEqual([
        ...ofKeys,
        ['Acme plc', 'requests', 10],
        ['Acme plc', 'tokens', 10],
        ['Beta', 'tokens', 10],
      ])
      expect((await used({ owners: ['Acme plc'] }))[1]).toBe('Acme plc tokens/month 5311')
    })

    test('a rename to a name in use keeps those of that name', async () => {
      await openWithQuotas()
      await set({ owner: 'Beta', ...quota, limit: 99 })
      expect(await renameOwner(db, 'Acme', 'Beta')).toMatchObject({ keys: 2, quotas: 1, droppedQuotas: 1 })
      expect(await left()).toEqual([...ofKeys, ['Beta', 'requests', 10], ['Beta', 'tokens', 99]])
    })

    test('a rename to itself changes nothing', async () => {
      await openWithQuotas()
      const before = await left()
      await renameOwner(db, 'Acme', 'Acme')
      expect(await left()).toEqual(before)
    })

    test('a forgotten key takes its quotas along, and with the last key of an owner those of the owner', async () => {
      await openWithQuotas()
      await forgetKey(db, ACME_1.id)
      expect(await left()).toEqual([
        ['acme-2', 'tokens', 10],
        ['beta', 'tokens', 10],
        ['Acme', 'requests', 10],
        ['Acme', 'tokens', 10],
        ['Beta', 'tokens', 10],
      ])
      await forgetKey(db, ACME_2.id)
      expect(await left()).toEqual([
        ['beta', 'tokens', 10],
        ['Beta', 'tokens', 10],
      ])
    })

    test('a forgotten owner leaves no quota and no name', async () => {
      await openWithQuotas()
      // this key stays, because it had another owner before
      await nameKey(db, ACME_1.id, { owner: 'Beta', until: new Date('2026-11-05T00:00:00Z') }, NOW)
      await forgetOwner(db, 'Acme')
      expect(await left()).toEqual([
        ['beta', 'tokens', 10],
        ['Beta', 'tokens', 10],
      ])
      const rows = await db.query('select * from api_key_analytics_quotas')
      expect(JSON.stringify(rows)).not.toContain('Acme')
    })

    test('a former owner that is forgotten leaves the quotas of the key to the present one', async () => {
      await openWithQuotas()
      await nameKey(db, BETA.id, { owner: 'Acme', until: new Date('2026-11-05T00:00:00Z') }, NOW)
      await forgetOwner(db, 'Acme')
      expect(await left()).toEqual([
        ['beta', 'tokens', 10],
        ['Beta', 'tokens', 10],
      ])
    })

    test('an owner without keys is forgotten too', async () => {
      await openWithQuotas()
      await set({ owner: 'Not seen yet', ...quota })
      await forgetOwner(db, 'Not seen yet')
      expect((await left()).map(([name]) => name)).not.toContain('Not seen yet')
    })

    test('an anonymised owner or key leaves no name in a quota; quotas of keys stay', async () => {
      await openWithQuotas()
      await anonymise(db, { owner: 'Acme' })
      expect(await left()).toEqual([...ofKeys, ['Beta', 'tokens', 10]])
      await anonymise(db, { keyId: BETA.id })
      expect(await left()).toEqual(ofKeys)
    })
  })

  test("an owner's use is what a report of the owner says, however keys changed hands", async () => {
    const hour = (n: number) => new Date(NOW - (NOW % 3_600_000) - n * 3_600_000)
    const keys = [testKey(11, 'one'), testKey(12, 'two'), testKey(13, 'three')]
    const owners = ['Acme', 'Beta']
    const rows = keys.flatMap((key, index) =>
      Array.from({ length: 30 }, (_none, n) => ({
        key,
        bucket: hour(n * 12).toISOString(),
        requests: 1 + n * 3 + index * 100,
        quantities: { tokens: 1 + n * 7 + index * 1000 },
      })),
    )
    await open(rows)
    for (const owner of owners)
      for (const per of ['day', 'week', 'month'] as const)
        await set({ owner, unit: 'requests', per, limit: 1 }, { owner, unit: 'tokens', per, limit: 1 })
    const change = fc.record({
      key: fc.constantFrom(...keys),
      owner: fc.constantFrom(...owners, null),
      from: fc.option(fc.integer({ min: 0, max: 360 })),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        for (const { key, owner, from } of changes)
          await nameKey(db, key.id, { owner, ...(from !== null && { from: hour(from) }) }, NOW)
        const { quotas } = await measureQuotas(db, undefined, NOW)
        expect(quotas).toHaveLength(12)
        for (const { owner, unit, since, until, used: sum } of quotas) {
          const [total] = await findUsage(db, { owner: owner!, since, until, units: true })
          const quantity = total?.quantities?.find((one) => one.unit === unit)?.quantity
          expect(sum).toBe(unit === 'requests' ? BigInt(total?.requestCount ?? 0) : (quantity ?? 0n))
        }
      }),
      { numRuns: searchRuns(15) },
    )
  })
})
