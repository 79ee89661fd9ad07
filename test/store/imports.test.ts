import { afterEach, beforeEach, expect, test } from 'vitest'
import { findFindings } from '../../src/security/find-findings.ts'
import { createUsage } from '../../src/create-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { UNMEASURED_BIN } from '../../src/model/duration-bins.ts'
import { loadImport } from '../../src/store/imports/load-import.ts'
import { findImports } from '../../src/store/imports/find-imports.ts'
import { removeImport } from '../../src/store/imports/remove-import.ts'
import { findOwners } from '../../src/store/keys/key-owners.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { linkKey } from '../../src/store/keys/link-keys.ts'
import { measureQuotas } from '../../src/store/quotas/measure-quotas.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { findCustomerUsage } from '../../src/store/read/find-customer-usage.ts'
import { listKeys } from '../../src/store/read/find-keys.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { listLateUsage } from '../../src/store/read/list-late-usage.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { findWrongSums } from '../support/usage/find-wrong-sums.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { importRows } from '../support/usage/import-rows.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const HOUR_MS = 3_600_000
const shop = testKey(1, 'shop', { owner: 'Acme' })
const mobile = testKey(2, 'mobile', { owner: 'Acme' })
const thisHour = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS).toISOString()

forEachDatabase('imported rows', (kind, makeUrl) => {
  let url: string
  let db: Database
  beforeEach(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
  })
  afterEach(() => db.close())

  const verify = async () => {
    const account = await verifyUsage(db, { histograms: true })
    expect(account).toMatchObject({ balanced: true, wrongHistograms: 0 })
    expect(await findWrongSums(db)).toEqual([])
    return {
      counted: [account.storedRequests, account.prunedRequests],
      imports: account.imports.map((one) => [one.import, one.unit, Number(one.stored), Number(one.removed)]),
    }
  }

  test('are in no quota, no finding, and not in what a customer sees', async () => {
    await storeUsage(url, [{ key: shop, bucket: thisHour, requests: 5, quantities: { tokens: 50 } }])
    const rows = [shop, mobile].map((key) => ({
      key,
      bucket: thisHour,
      requests: 100_000,
      tokens: 7,
      status: 401,
    }))
    await importRows(db, rows)
    await setQuota(db, { keyId: shop.id, unit: 'requests', per: 'month', limit: 100 })
    await setQuota(db, { owner: 'Acme', unit: 'requests', per: 'month', limit: 100 })
    await setQuota(db, { owner: 'Acme', unit: 'tokens', per: 'month', limit: 100 })
    const { quotas } = await measureQuotas(db)
    expect(new Set(quotas.map(({ used }) => used))).toEqual(new Set([5n, 50n]))

    const usage = createUsage(db, async () => {})
    const since = new Date(Date.parse(thisHour) - HOUR_MS)
    const until = new Date(Date.parse(thisHour) + HOUR_MS)
    const { findings, keyCount } = await findFindings(usage, { since, until })
    expect({ findings, keyCount }).toEqual({ findings: [], keyCount: 1 })

    for (const scope of ['key', 'owner'] as const) {
      const customer = { scope, keyId: shop.id, owner: 'Acme' }
      const question = { customer, since: since.getTime(), until: until.getTime(), timeZone: 'UTC' }
      const { rows: seen } = await findCustomerUsage(db, { ...question, by: 'status' } as never)
      expect(seen.map(({ status, unit, quantity }) => [status, unit, quantity])).toEqual([
        [200, 'requests', 5n],
        [200, 'tokens', 50n],
      ])
    }
    const imported = async (only?: boolean) => (await findUsage(db, { imported: only }))[0]!.requestCount
    expect([await imported(), await imported(true), await imported(false)]).toEqual([200_005, 200_000, 5])
  })

  test('of the same cell as counted ones stay apart, through a roll-up too', async () => {
    await storeUsage(url, [
      { key: shop, bucket: '2026-09-01T10:00Z', requests: 5, quantities: { tokens: 1 } },
      { key: shop, bucket: '2026-09-01T11:00Z', requests: 6, quantities: { tokens: 2 } },
    ])
    const first = await importRows(db, [
      { key: shop, bucket: '2026-09-01T10:00Z', requests: 10, tokens: 3 },
      { key: shop, bucket: '2026-09-01T11:00Z', requests: 20, tokens: 4 },
      { key: shop, bucket: '2026-09-01T00:00Z', bucketMinutes: 1440, requests: 40, tokens: 8 },
    ])
    const second = await importRows(db, [
      { key: shop, bucket: '2026-09-01T12:00Z', requests: 100, tokens: 5 },
    ])
    const rolled = await rollUpUsage(db, { before: new Date('2026-10-01') })
    expect(rolled).toEqual({ rowsBefore: 5, rowsAfter: 3, requests: 141 })
    const rows = await db.query<{ import_id: number; n: string }>(
      'select import_id, request_count as n from api_key_analytics order by import_id',
    )
    expect(rows.map((row) => [row.import_id, Number(row.n)])).toEqual([
      [0, 11],
      [first, 70],
      [second, 100],
    ])
    const account = await verify()
    expect(account).toEqual({
      counted: [11, 0],
      imports: [
        [first, 'requests', 70, 0],
        [first, 'tokens', 15, 0],
        [second, 'requests', 100, 0],
        [second, 'tokens', 5, 0],
      ],
    })
    expect(await listLateUsage(db)).toEqual([])
    expect(await removeImport(db, first)).toEqual({ rows: 1, requests: 70, keys: 0 })
    expect((await verify()).imports).toHaveLength(2)
  })

  test('are pruned and forgotten, and their import says how many', async () => {
    await storeUsage(url, [{ key: shop, bucket: '2026-09-01T10:00Z', requests: 5 }])
    const id = await importRows(db, [
      { key: shop, bucket: '2026-09-01T10:00Z', requests: 10, tokens: 3 },
      { key: mobile, bucket: '2026-09-02T10:00Z', requests: 20, tokens: 4 },
      { key: mobile, bucket: '2026-09-20T10:00Z', requests: 40 },
    ])
    // quantities without requests are all that a prune may find
    const late = await importRows(db, [{ key: mobile, bucket: '2026-09-03T10:00Z', requests: 0, tokens: 9 }])
    expect(await pruneUsage(db, { before: new Date('2026-09-10') })).toEqual({ rows: 3, requests: 35 })
    expect(await verify()).toEqual({
      counted: [0, 5],
      imports: [
        [id, 'requests', 40, 30],
        [id, 'tokens', 0, 7],
        [late, 'requests', 0, 0],
        [late, 'tokens', 0, 9],
      ],
    })
    expect(await forgetKey(db, mobile.id)).toEqual({ rows: 1, requests: 40 })
    expect((await verify()).imports[0]).toEqual([id, 'requests', 0, 70])
    const [found] = await findImports(db)
    expect(found).toMatchObject({ import: id, requests: 70, removedRequests: 70 })
    // older than the prune, and not late: nobody counted it
    await importRows(db, [{ key: shop, bucket: '2026-09-01T10:00Z', requests: 11 }])
    expect(await listLateUsage(db)).toEqual([])
    await verify()
  })

  test('bring keys with all their owners, and take along only keys that nobody else uses', async () => {
    const owned = (owner: string | null) => ({ ...mobile, owner })
    const keys = [3, 4, 5, 6, 7, 8].map((number) => testKey(number, `key ${number}`, { owner: 'Old' }))
    const [counted, named, limited, old, rotated, shared] = keys as [
      typeof shop,
      typeof shop,
      typeof shop,
      typeof shop,
      typeof shop,
      typeof shop,
    ]
    // not in the order of time
    const first = await importRows(db, [
      { key: owned('Beta'), bucket: '2026-09-03T10:00Z', requests: 3 },
      { key: owned('Acme'), bucket: '2026-09-01T10:00Z', requests: 1 },
      { key: owned('Beta'), bucket: '2026-09-04T10:00Z', requests: 4 },
      { key: owned(null), bucket: '2026-09-05T10:00Z', requests: 5 },
      ...keys.map((key) => ({ key, bucket: '2026-09-01T10:00Z', requests: 1 })),
    ])
    const second = await importRows(db, [
      { key: { ...shared, owner: 'New' }, bucket: '2026-09-02T10:00Z', requests: 1 },
    ])
    expect(
      (await findOwners(db, mobile.id)).map(({ since, owner }) => [since?.toISOString() ?? null, owner]),
    ).toEqual([
      [null, 'Acme'],
      ['2026-09-03T10:00:00.000Z', 'Beta'],
      ['2026-09-05T10:00:00.000Z', null],
    ])
    const byOwner = await findUsage(db, { keyIds: [mobile.id], by: ['owner'] })
    expect(byOwner.map(({ owner, requestCount }) => [owner, requestCount])).toEqual([
      ['Beta', 7],
      [null, 5],
      ['Acme', 1],
    ])
    // a key that is there keeps what is known of it
    expect((await findOwners(db, shared.id)).map(({ owner }) => owner)).toEqual(['Old'])
    await verify()

    await storeUsage(url, [{ key: counted, bucket: '2026-10-01T10:00Z', requests: 1 }])
    await pruneUsage(db, { before: new Date('2026-11-01'), keyIds: [counted.id] })
    await nameKey(db, named.id, { name: 'Kept' })
    await setQuota(db, { keyId: limited.id, unit: 'requests', per: 'month', limit: 1 })
    await linkKey(db, rotated.id, { continues: old.id })
    await setQuota(db, { owner: 'Beta', unit: 'requests', per: 'month', limit: 1 })
    expect(await removeImport(db, first)).toMatchObject({ keys: 1 })
    expect((await listKeys(db)).map(({ id }) => id).sort()).toEqual(keys.map(({ id }) => id))
    // with the last key of an owner its quota goes
    expect((await measureQuotas(db)).quotas.map(({ keyId }) => keyId)).toEqual([limited.id])
    // the next import that has it owns it now
    expect(await removeImport(db, second)).toMatchObject({ keys: 1 })
    expect((await listKeys(db)).map(({ id }) => id).sort()).toEqual(
      [counted, named, limited, old, rotated].map(({ id }) => id),
    )
    expect(await removeImport(db, second)).toBeUndefined()
    expect(await verify()).toEqual({ counted: [0, 1], imports: [] })
  })

  test('and flushes of their keys go on side by side', async () => {
    await importRows(db, [{ key: shop, bucket: '2026-09-01T10:00Z', requests: 10 }])
    await storeUsage(url, [{ key: { ...shop, owner: 'Beta' }, bucket: '2026-10-01T10:00Z', requests: 5 }])
    const rows = await findUsage(db, { by: ['owner'] })
    expect(rows.map(({ owner, requestCount }) => [owner, requestCount])).toEqual([
      ['Acme', 10],
      ['Beta', 5],
    ])
    await verify()
  })

  /** Loads one row, and runs something while the transaction is open. */
  const load = (during: () => Promise<void>, hash = 'as before') => {
    const bucket = Date.parse('2026-09-01T10:00Z')
    const row = {
      line: 1,
      bucket,
      bucketMinutes: 60 as const,
      method: 'GET',
      endpoint: '/',
      status: 200,
      requestCount: 7,
      durationUs: 0,
      durationBins: [UNMEASURED_BIN, 7],
      quantities: [],
    }
    async function* rows() {
      // more than a chunk: the first is stored when the second is asked for
      yield Array.from({ length: 1000 }, (_, n) => Object.assign({}, row, { key: shop, endpoint: `/${n}` }))
      await during()
      yield [{ ...row, key: mobile }]
    }
    return loadImport(db, {
      name: 'slow',
      totals: {
        format: 'csv',
        sha256: 'as before',
        since: bucket,
        until: bucket + HOUR_MS,
        rows: 1001,
        requests: 7007,
        quantities: new Map(),
      },
      rows: rows(),
      hash: () => hash,
      now: Date.now(),
    })
  }

  test('of a file that changed since it was checked are not stored', async () => {
    await expect(load(async () => {}, 'another one')).rejects.toThrow('slow changed while it was imported.')
    expect(await findImports(db)).toEqual([])
    expect(await listKeys(db)).toEqual([])
    // with the right content they are
    expect(await load(async () => {})).toBeGreaterThan(0)
    expect((await verify()).imports).toMatchObject([[expect.any(Number), 'requests', 7007, 0]])
  })

  test('let flushes of a stored key through: on PostgreSQL at once, on SQLite afterwards', async () => {
    const flush = (requests: number) =>
      storeUsage(url, [{ key: shop, bucket: '2026-09-01T10:00Z', endpoint: '/1', requests }])
    await flush(1)
    // SQLite has one write lock
    const [during, afterwards] = kind === 'postgresql' ? [2, 0] : [0, 2]
    await load(async () => (during ? flush(during) : undefined))
    if (afterwards) await flush(afterwards)
    expect(await verify()).toMatchObject({ counted: [3, 0] })
  })

  test('that were changed by hand are found', async () => {
    const id = await importRows(db, [{ key: shop, bucket: '2026-09-01T10:00Z', requests: 10, tokens: 1 }])
    const isBalanced = async () => (await verifyUsage(db)).balanced
    for (const [spoil, restore] of [
      ['update api_key_analytics set request_count = 11', 'update api_key_analytics set request_count = 10'],
      [
        'update api_key_analytics_quantities set quantity = 2',
        'update api_key_analytics_quantities set quantity = 1',
      ],
      ['update api_key_analytics set import_id = 0', `update api_key_analytics set import_id = ${id}`],
      ['update api_key_analytics set import_id = 99', `update api_key_analytics set import_id = ${id}`],
      [
        'update api_key_analytics_imports set request_count = 9',
        'update api_key_analytics_imports set request_count = 10',
      ],
    ] as const) {
      await db.query(spoil)
      expect(await isBalanced()).toBe(false)
      await db.query(restore)
      expect(await isBalanced()).toBe(true)
    }
  })
})
