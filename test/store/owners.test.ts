import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildInvoice } from '../../src/report/usage/build-invoice.ts'
import { parsePeriod } from '../../src/time/period.ts'
import { anonymise } from '../../src/store/remove/anonymise.ts'
import { usageSourceOf } from '../../src/report/usage/usage-source.ts'
import { findStraddlingRows } from '../../src/store/read/find-straddling-rows.ts'
import { findUsage, findBorders } from '../../src/store/read/find-usage.ts'
import { writeUsageStatement } from '../../src/store/read/write-usage-statement.ts'
import { forgetOwner } from '../../src/store/remove/forget-owner.ts'
import { findOwners } from '../../src/store/keys/key-owners.ts'
import { listLateUsage } from '../../src/store/read/list-late-usage.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { recordBatch } from '../../src/store/write/record-batch.ts'
import { renameOwner } from '../../src/store/keys/rename-owner.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { TouchedKeys } from '../../src/store/write/touched-keys.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { BucketMinutes } from '../../src/model/batch.ts'
import type { UsageQuery } from '../../src/model/usage-query.ts'
import { explainStatement } from '../support/databases/explain-statement.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { keyIdOf, makeBatch } from '../support/usage/make-batch.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** The first of a month that is over. */
const MONTH = Date.UTC(2026, 9, 1)

/** What a process counted of one key in one hour, and what the app said of it. */
interface Counted {
  readonly at: number
  readonly owner?: string | null
  readonly name?: string
  readonly key?: string
  readonly requests?: number
  readonly bucketMinutes?: BucketMinutes
}

forEachDatabase('an owner', (kind, makeUrl) => {
  let url: string
  let db: Database
  let touched: TouchedKeys
  beforeEach(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    touched = new TouchedKeys()
  })
  afterEach(() => db.close())

  async function flush({ at, owner = null, name, key = 'a', requests = 1, bucketMinutes = 60 }: Counted) {
    const [meta] = await db.query<{ id: string }>('select database_id as id from api_key_analytics_meta')
    const width = bucketMinutes * MINUTE_MS
    const batch = makeBatch({
      instance: randomUUID(),
      bucket: Math.floor(at / width) * width,
      bucketMinutes,
      sealedAt: at,
      rows: [{ key, requestCount: requests }],
      identities: { [key]: { owner, ...(name !== undefined && { name }) } },
    })
    await recordBatch(db, batch, { databaseId: meta!.id, touched })
  }

  async function requestsByOwner(query: UsageQuery = {}): Promise<Record<string, number>> {
    const rows = await findUsage(db, { ...query, by: ['owner'] })
    return Object.fromEntries(rows.map(({ owner, requestCount }) => [String(owner), requestCount]))
  }

  const periods = async (key = 'a') =>
    (await findOwners(db, keyIdOf(key))).map(({ since, owner, setBy }) => [
      since && (since.getTime() - MONTH) / HOUR_MS,
      owner,
      setBy,
    ])

  const invoice = () => buildInvoice(usageSourceOf(db), { period: parsePeriod({ month: '2026-10' }) })

  test('keeps what was counted while the key was theirs: an invoice of the month has lines of both', async () => {
    await flush({ at: MONTH + HOUR_MS, owner: 'Customer 8', requests: 5 })
    await flush({ at: MONTH + 14 * DAY_MS, owner: 'NewCo', requests: 7 })
    expect(await requestsByOwner()).toEqual({ 'Customer 8': 5, NewCo: 7 })
    expect((await findUsage(db, { owner: 'Customer 8' }))[0]).toMatchObject({ requestCount: 5 })
    const [section] = (await invoice()).sections
    expect(section!.groups.map(({ key, requests }) => [key!.owner, requests])).toEqual([
      ['Customer 8', 5],
      ['NewCo', 7],
    ])
    expect(section!.by).not.toContain('owner')
  })

  test('gets the whole bucket in which the app said it last, also within one minute', async () => {
    await flush({ at: MONTH + 1, owner: 'A' })
    await flush({ at: MONTH + HOUR_MS, owner: 'A' })
    await flush({ at: MONTH + HOUR_MS + 1000, owner: 'B' })
    await flush({ at: MONTH + HOUR_MS + 2000, owner: 'C' })
    expect(await periods()).toEqual([
      [null, 'A', 'app'],
      [1, 'C', 'app'],
    ])
    expect(await requestsByOwner()).toEqual({ A: 1, C: 3 })
  })

  test('of processes that disagree is the one said last, with one period a bucket at most', async () => {
    const [old, fresh] = [new TouchedKeys(), new TouchedKeys()]
    for (let minute = 0; minute < 240; minute += 1) {
      touched = minute % 2 ? old : fresh
      await flush({ at: MONTH + minute * MINUTE_MS, owner: minute % 2 ? 'Old name' : 'New name' })
    }
    // the old version of the app is gone
    touched = fresh
    await flush({ at: MONTH + 4 * HOUR_MS, owner: 'New name' })
    expect((await periods()).length).toBeLessThanOrEqual(5)
    expect(await requestsByOwner({ since: new Date(MONTH + 4 * HOUR_MS) })).toEqual({ 'New name': 1 })
  })

  test('that 1500 keys get at once is stored for each of them', async () => {
    const [meta] = await db.query<{ id: string }>('select database_id as id from api_key_analytics_meta')
    const keys = Array.from({ length: 1500 }, (_, index) => `key ${index}`)
    for (const [hour, owner] of ['Acme', 'Acme plc'].entries()) {
      const batch = makeBatch({
        bucket: MONTH + hour * HOUR_MS,
        sealedAt: MONTH + hour * HOUR_MS,
        rows: keys.map((key) => ({ key })),
        identities: Object.fromEntries(keys.map((key) => [key, { owner }])),
      })
      await recordBatch(db, batch, { databaseId: meta!.id, touched })
    }
    expect(await requestsByOwner()).toEqual({ Acme: 1500, 'Acme plc': 1500 })
    // two names of one customer
    expect(await renameOwner(db, 'Acme', 'Acme plc')).toMatchObject({ keys: 1500, quotas: 0 })
    expect(await requestsByOwner()).toEqual({ 'Acme plc': 3000 })
    expect(await periods('key 7')).toEqual([[null, 'Acme plc', 'app']])
  })

  test('that a person set stays whatever the app says, until the person gives it back', async () => {
    const now = MONTH + 2 * HOUR_MS + 1
    await flush({ at: MONTH, owner: 'A', name: 'said' })
    await nameKey(db, keyIdOf('a'), { owner: 'Person', name: 'set' }, now)
    await flush({ at: now + HOUR_MS, owner: 'A', name: 'said' })
    expect(await requestsByOwner()).toEqual({ A: 1, Person: 1 })
    await nameKey(db, keyIdOf('a'), { owner: null, name: null }, now + 2 * HOUR_MS)
    await flush({ at: now + 3 * HOUR_MS, owner: 'A', name: 'said' })
    expect(await periods()).toEqual([
      [null, 'A', 'app'],
      [2, 'Person', 'person'],
      [4, 'A', 'app'],
    ])
    expect(await findUsage(db, { by: ['key'] })).toMatchObject([{ key: { name: 'said', owner: 'A' } }])
  })

  test('of a key of which the app says none holds for all time, and can be corrected from and until a date', async () => {
    for (const day of [0, 10, 20]) await flush({ at: MONTH + day * DAY_MS })
    await nameKey(db, keyIdOf('a'), { owner: 'A' })
    expect(await requestsByOwner()).toEqual({ A: 3 })
    await nameKey(db, keyIdOf('a'), { owner: 'B', from: new Date(MONTH + 9 * DAY_MS) })
    expect(await requestsByOwner()).toEqual({ A: 1, B: 2 })
    await nameKey(db, keyIdOf('a'), { owner: 'C', until: new Date(MONTH + 5 * DAY_MS) })
    expect(await requestsByOwner()).toEqual({ B: 2, C: 1 })
    const wrong = [
      { owner: 'D', from: new Date(Date.now() + DAY_MS) },
      { owner: 'D', from: new Date(2), until: new Date(1) },
      { name: 'D', from: new Date(1) },
    ]
    for (const names of wrong) {
      await expect(nameKey(db, keyIdOf('a'), names)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    }
  })

  test('of a day keeps what was used late that day, when the hours before are pruned', async () => {
    const late = testKey(1, 'late')
    const tokens = { requests: 0, quantities: { tokens: 5 } }
    await storeUsage(url, [
      { key: late, bucket: new Date(MONTH).toISOString(), bucketMinutes: 1440, ...tokens },
      { key: late, bucket: new Date(MONTH + 20 * HOUR_MS).toISOString(), requests: 1 },
    ])
    await nameKey(db, late.id, { owner: 'Acme' })
    await nameKey(db, late.id, { owner: 'Globex', from: new Date(MONTH + 12 * HOUR_MS) })
    await pruneUsage(db, { before: new Date(MONTH + 13 * HOUR_MS) })
    const used = await findUsage(db, { by: ['owner'], unit: 'tokens' })
    expect(used.map(({ owner, quantity }) => [owner, quantity])).toEqual([['Acme', 5n]])
  })

  test('of a day in which the key changed hands keeps its hours in a roll-up', async () => {
    for (const [hours, owner] of [
      [1, 'A'],
      [2, 'A'],
      [30, 'A'],
      [31, 'A'],
      [40, 'B'],
      [41, 'B'],
    ] as const) {
      await flush({ at: MONTH + hours * HOUR_MS, owner })
    }
    await flush({ at: MONTH + 40 * HOUR_MS, owner: 'Z', key: 'other' })
    await flush({ at: MONTH + 41 * HOUR_MS, owner: 'Z', key: 'other' })
    const before = await requestsByOwner()
    expect(before).toEqual({ A: 4, B: 2, Z: 2 })
    const rolled = await rollUpUsage(db, { before: new Date(MONTH + 3 * DAY_MS) })
    expect(rolled).toEqual({ rowsBefore: 4, rowsAfter: 2, requests: 4 })
    expect(await requestsByOwner()).toEqual(before)
    expect(await listLateUsage(db)).toEqual([])
    const again = await rollUpUsage(db, { before: new Date(MONTH + 3 * DAY_MS) })
    expect(again).toEqual({ rowsBefore: 0, rowsAfter: 0, requests: 0 })
    await invoice()
  })

  test('of a row that holds the time of two is told, and no invoice is made of it', async () => {
    await flush({ at: MONTH + 5 * DAY_MS, owner: 'A', bucketMinutes: 1440, requests: 3 })
    await nameKey(db, keyIdOf('a'), { owner: 'B', from: new Date(MONTH + 5 * DAY_MS + HOUR_MS) })
    const cut = { rows: 1, requests: 3 }
    for (const query of [{ by: ['owner'] as const }, { owner: 'A' }, { owner: 'B' }]) {
      expect(await findStraddlingRows(db, query)).toMatchObject({ cutByOwners: cut })
    }
    expect(await findStraddlingRows(db, { owner: 'C' })).toMatchObject({ cutByOwners: { rows: 0 } })
    await expect(invoice()).rejects.toMatchObject({ code: 'WRONG_USAGE' })
    await nameKey(db, keyIdOf('a'), { owner: 'B', from: new Date(MONTH + 5 * DAY_MS) })
    expect(await findStraddlingRows(db, { by: ['owner'] })).toMatchObject({ cutByOwners: { rows: 0 } })
    expect((await invoice()).total.requests).toBe(3)
  })

  describe('of a key that another one has now', () => {
    beforeEach(async () => {
      await flush({ at: MONTH, owner: 'A', name: 'of A', requests: 5 })
      await flush({ at: MONTH + DAY_MS, owner: 'B', name: 'of B', requests: 7 })
      await flush({ at: MONTH + DAY_MS, owner: 'A', key: 'only theirs', requests: 2 })
    })

    test('is forgotten with the keys and the time that were theirs, and nothing else', async () => {
      expect(await forgetOwner(db, 'A')).toEqual({ keys: 2, rows: 2, requests: 7 })
      expect(await requestsByOwner()).toEqual({ B: 7 })
      expect(await periods()).toEqual([
        [null, null, 'app'],
        [24, 'B', 'app'],
      ])
      expect(await verifyUsage(db)).toMatchObject({ balanced: true, prunedRequests: 7 })
      expect(JSON.stringify(await db.query('select * from api_key_analytics_owners'))).not.toContain('"A"')
    })

    test('leaves no name of theirs when they have it now', async () => {
      await forgetOwner(db, 'B')
      expect(await findUsage(db, { by: ['key'], keyIds: [keyIdOf('a')] })).toMatchObject([
        { requestCount: 5, key: { name: null, owner: null } },
      ])
    })

    test('is anonymised: the counts stay, for billing too, and the names are gone', async () => {
      const { pseudonym, ...kept } = await anonymise(db, { owner: 'A' })
      expect(kept).toEqual({ keys: 2, rows: 2, requests: 7 })
      expect(await requestsByOwner()).toEqual({ [pseudonym]: 7, B: 7 })
      const stored = JSON.stringify([
        await db.query('select * from api_key_analytics_keys'),
        await db.query('select * from api_key_analytics_owners'),
      ])
      for (const gone of ['"A"', 'of A', 'only theirs']) expect(stored).not.toContain(gone)
      expect(stored).toContain('of B')
      const log = await db.query<{ action: string; requests: string }>(
        'select action, request_count as requests from api_key_analytics_prunes order by request_count',
      )
      expect(log.map(({ action, requests }) => [action, Number(requests)])).toEqual([
        ['anonymise', 2],
        ['anonymise', 5],
      ])
      expect(await verifyUsage(db)).toMatchObject({ balanced: true, prunedRequests: 0, storedRequests: 14 })
    })

    test('that is anonymised gets no name back by what was said before, and only the future by what is said later', async () => {
      const { pseudonym } = await anonymise(db, { owner: 'A' })
      await flush({ at: MONTH + 2 * DAY_MS, owner: 'A', name: 'late', key: 'only theirs' })
      expect(await requestsByOwner()).toEqual({ [pseudonym]: 8, B: 7 })
      await flush({ at: Date.now() + MINUTE_MS, owner: 'A', name: 'again', key: 'only theirs' })
      expect(await requestsByOwner()).toEqual({ [pseudonym]: 8, B: 7, A: 1 })
    })

    test('goes with the time that is pruned', async () => {
      await pruneUsage(db, { before: new Date(MONTH + DAY_MS) })
      expect(await periods()).toEqual([[null, 'B', 'app']])
      expect(await requestsByOwner()).toEqual({ A: 2, B: 7 })
    })
  })

  test('is found by the primary key', async () => {
    await flush({ at: MONTH, owner: 'A' })
    const query: UsageQuery = { owner: 'A', by: ['endpoint'] }
    const { sql, params } = writeUsageStatement(
      db.dialect,
      query,
      ['endpoint'],
      await findBorders(db, [], query),
    )
    const plan = await db.transaction(async (tx) => {
      // so few rows are read at once
      if (kind === 'postgresql') await tx.query('set local enable_seqscan = off')
      return explainStatement({ ...db, transaction: (run) => run(tx) }, sql, params)
    })
    expect(plan).toMatch(
      kind === 'sqlite' ? /t USING PRIMARY KEY \(api_key_id=\?\)/ : /api_key_analytics_pkey/,
    )
  })
})
