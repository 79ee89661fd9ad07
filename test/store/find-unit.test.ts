import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sumExact, readExact } from '../../src/store/database/exact-sum.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { nameKey } from '../../src/store/keys/name-key.ts'
import { findStraddlingRows } from '../../src/store/read/find-straddling-rows.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { rollUpUsage } from '../../src/store/remove/roll-up-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { UsageDimension } from '../../src/model/usage-query.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import { periodAround } from '../../src/billing/billing-period.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const acme = testKey(1, 'a-mobile', { name: 'Mobile', owner: 'acme' })
const shop = testKey(2, 'b-shop', { owner: 'acme' })
const books = testKey(3, 'c-books', { owner: 'globex' })

/** Most requests, most tokens and most rows are those of three different keys. */
const ROWS = [
  { key: acme, bucket: '2026-10-05T23:00Z', requests: 5, quantities: { tokens: 700, rows: 1 } },
  { key: acme, bucket: '2026-10-06T10:00Z', requests: 3, status: 500, quantities: { tokens: 90 } },
  { key: acme, bucket: '2026-10-12T10:00Z', requests: 900 },
  {
    key: shop,
    bucket: '2026-10-12T10:00Z',
    requests: 1,
    method: 'POST',
    endpoint: '/answers',
    quantities: { tokens: 1_000_000 },
  },
  { key: shop, bucket: '2026-10-26T10:00Z', requests: 0, quantities: { tokens: 33 } },
  { key: books, bucket: '2026-10-12T11:00Z', requests: 2, status: 404, quantities: { rows: 80 } },
  { key: books, bucket: '2026-10-20T11:00Z', requests: 4, quantities: { rows: 0 } },
]

const opened: Database[] = []
afterAll(async () => {
  for (const db of opened.splice(0)) await db.close()
})

async function open(url: string): Promise<Database> {
  const db = await openDatabase(url)
  opened.push(db)
  return db
}

forEachDatabase('usage of one unit', (_kind, makeUrl) => {
  let db: Database
  beforeAll(async () => {
    const url = await makeUrl()
    await storeUsage(url, ROWS)
    db = await open(url)
    await nameKey(db, books.id, { owner: 'initech', from: new Date('2026-10-15T00:00Z') })
  })

  const DIMENSIONS: UsageDimension[] = [
    'key',
    'endpoint',
    'method',
    'status',
    'owner',
    'hour',
    'day',
    'week',
    'month',
  ]
  const GROUPINGS = [[], ...DIMENSIONS.map((one) => [one]), ['owner', 'key'], ['key', 'day', 'status']]

  describe.each(GROUPINGS.map((by) => ({ name: by.join(), by: by as UsageDimension[] })))(
    'by "$name"',
    ({ by }) => {
      test.each(['tokens', 'rows'])('is what all units together say of %s', async (unit) => {
        const timeZone = 'Europe/Berlin'
        const all = await findUsage(db, { by, timeZone, units: true, sort: 'group' })
        const expected = all.flatMap(({ quantities = [], key, ...group }) => {
          const found = quantities.find((one) => one.unit === unit)
          const names = Object.fromEntries(by.map((name) => [name, name === 'key' ? key?.id : group[name]]))
          return found
            ? [{ ...names, requestCount: found.requestCount, quantity: found.quantity, durationUs: 0 }]
            : []
        })
        const found = await findUsage(db, { by, timeZone, unit, sort: 'group' })
        expect(found.map((row) => ({ ...row, ...(row.key && { key: row.key.id }) }))).toMatchObject(expected)
        expect(found).toHaveLength(expected.length)
      })
    },
  )

  test('is in the order of quantities, and counts requests and errors of those that used it', async () => {
    const rows = await findUsage(db, { by: ['key'], unit: 'tokens' })
    expect(rows).toMatchObject([
      { key: { label: 'b-shop' }, requestCount: 1, quantity: 1_000_033n },
      { key: { label: 'a-mobile' }, requestCount: 8, serverErrorCount: 3, quantity: 790n },
    ])
    expect(rows[1]).toMatchObject({
      firstBucket: new Date('2026-10-05T23:00Z'),
      lastBucket: new Date('2026-10-06T10:00Z'),
    })
    const byRequests = await findUsage(db, { by: ['key'], unit: 'tokens', sort: 'requests', limit: 1 })
    expect(byRequests).toMatchObject([{ key: { label: 'a-mobile' } }])
  })

  test('has a trend of quantities, also by owner', async () => {
    const [first] = await findUsage(db, { by: ['owner'], unit: 'tokens', trend: 'week' })
    expect(first).toMatchObject({ owner: 'acme', quantity: 1_000_823n })
    expect(first!.trend).toEqual([
      { start: new Date('2026-10-05T00:00Z'), requestCount: 8, errorCount: 3, quantity: 790n },
      { start: new Date('2026-10-12T00:00Z'), requestCount: 1, errorCount: 0, quantity: 1_000_000n },
      { start: new Date('2026-10-26T00:00Z'), requestCount: 0, errorCount: 0, quantity: 33n },
    ])
  })

  test('belongs to the owner of its time', async () => {
    const rows = await findUsage(db, { by: ['owner'], unit: 'rows', sort: 'group' })
    expect(rows.map(({ owner, quantity }) => [owner, quantity])).toEqual([
      ['acme', 1n],
      ['globex', 80n],
      ['initech', 0n],
    ])
    expect(await findUsage(db, { unit: 'rows', owner: 'globex' })).toMatchObject([{ quantity: 80n }])
  })

  test('is filtered as requests are; an unknown unit has no groups', async () => {
    const filter = { status: '5xx', since: new Date('2026-10-06T00:00Z'), keyIds: [acme.id] } as const
    expect(await findUsage(db, { ...filter, unit: 'tokens' })).toMatchObject([{ quantity: 90n }])
    expect(await findUsage(db, { endpoint: '/ans*', unit: 'tokens' })).toMatchObject([
      { quantity: 1_000_000n },
    ])
    expect(await findUsage(db, { by: ['key'], unit: 'bytes' })).toEqual([])
  })

  test('counts the rows of that unit that a border cuts', async () => {
    const since = new Date('2026-10-12T10:30Z')
    expect(await findStraddlingRows(db, { since, unit: 'tokens' })).toEqual({
      rows: 1,
      requests: 1,
      quantity: 1_000_000n,
    })
    expect(await findStraddlingRows(db, { since, unit: 'rows' })).toEqual({
      rows: 0,
      requests: 0,
      quantity: 0n,
    })
  })

  test.each([
    [{ unit: 'tokens', units: true }, '"unit" chooses one unit'],
    [{ unit: 'tokens', latency: true }, 'Quantities have no durations'],
    [{ sort: 'quantity' }, 'needs a "unit"'],
  ] as const)('refuses %j', async (query, message) => {
    await expect(findUsage(db, query)).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      message: expect.stringContaining(message),
    })
  })
})

const MOST = 2n ** 63n - 1n

forEachDatabase('sums of 2^63 and more', (_kind, makeUrl) => {
  /** Three keys, of which two have the most that a row can hold; together they have 2^64 and more. */
  async function fill(): Promise<Database> {
    const url = await makeUrl()
    await storeUsage(
      url,
      [acme, shop, books].flatMap((key) => [
        { key, bucket: '2026-09-05T10:00Z', requests: 1, quantities: { tokens: 1 } },
        { key, bucket: '2026-09-05T11:00Z', requests: 1, quantities: { tokens: 1 } },
      ]),
    )
    const db = await open(url)
    await db.query('update api_key_analytics_quantities set quantity = $1 where api_key_id <> $2', [
      String(MOST),
      acme.id,
    ])
    return db
  }
  const SUM = MOST * 4n + 2n

  test('are exact in every question', async () => {
    const db = await fill()
    const byKey = [
      { key: { label: 'b-shop' }, quantity: MOST * 2n },
      { key: { label: 'c-books' }, quantity: MOST * 2n },
      { key: { label: 'a-mobile' }, quantity: 2n },
    ]
    expect(await findUsage(db, { by: ['key'], unit: 'tokens' })).toMatchObject(byKey)
    expect(await findUsage(db, { unit: 'tokens' })).toMatchObject([{ quantity: SUM }])
    expect(await findUsage(db, { units: true })).toMatchObject([
      { quantities: [{ unit: 'tokens', quantity: SUM }] },
    ])
    const owners = await findUsage(db, { by: ['owner'], unit: 'tokens', trend: 'hour' })
    expect(owners).toMatchObject([
      {
        owner: 'acme',
        quantity: MOST * 2n + 2n,
        trend: [{ quantity: MOST + 1n }, { quantity: MOST + 1n }],
      },
      { owner: 'globex', quantity: MOST * 2n },
    ])
    const since = new Date('2026-09-05T10:30Z')
    expect((await findStraddlingRows(db, { since, unit: 'tokens' })).quantity).toBe(MOST * 2n + 1n)
    const { units } = await verifyUsage(db)
    expect(units).toMatchObject([{ unit: 'tokens', stored: SUM, delivered: 6n, balanced: false }])
  })

  test('of negative numbers are exact too', async () => {
    const db = await fill()
    const values = [-1n, -MOST, -MOST, 5n, -(2n ** 32n)]
    const [row] = await db.query<{ sum: string }>(
      `select ${sumExact('q')} as sum from (${values.map((value) => `select cast(${value} as bigint) as q`).join(' union all ')}) t`,
    )
    expect(readExact(row!.sum)).toBe(values.reduce((a, b) => a + b, 0n))
  })

  test('that no column can hold are refused with the reason, and nothing is rounded', async () => {
    const db = await fill()
    const before = await findUsage(db, { by: ['key', 'hour'], unit: 'tokens' })
    const refused = {
      code: 'DATABASE_FAILED',
      message: expect.stringMatching(
        /^A sum of tokens is \d{20}, and a database stores|integer overflow|out of range/,
      ),
    }
    const until = new Date('2026-10-01T00:00Z')
    await expect(rollUpUsage(db, { before: until })).rejects.toMatchObject(refused)
    expect(await findUsage(db, { by: ['key', 'hour'], unit: 'tokens' })).toEqual(before)
    await expect(pruneUsage(db, { before: until })).rejects.toMatchObject(refused)
    expect(await findUsage(db, { by: ['key', 'hour'], unit: 'tokens' })).toEqual(before)
  })

  test('are billed exactly; a line that no column can hold is refused', async () => {
    const db = await fill()
    const change = (quantity: bigint, bucket: string) =>
      db.query(
        `update api_key_analytics_quantities set quantity = $1
where api_key_id <> $2 and bucket = ${db.dialect.timeOf('$3')}`,
        [String(quantity), acme.id, Date.parse(bucket)],
      )
    const deliver = (quantities: readonly bigint[]) =>
      Promise.all(
        quantities.map((quantity) =>
          db.query(
            `insert into api_key_analytics_ledger_units (instance, unit, quantity, missing) values ($1, 'tokens', $2, 0)`,
            [randomUUID(), String(quantity)],
          ),
        ),
      )
    await db.query('delete from api_key_analytics_ledger_units')
    await deliver([MOST, MOST, MOST, MOST, 2n])
    const order = {
      period: periodAround(new Date('2026-09-05'), 'month', 'UTC'),
      billable: ['2xx'],
      now: new Date('2026-11-01'),
    }
    const close = () => closePeriod(db, '/nowhere', order)
    await expect(close()).rejects.toMatchObject({
      code: 'DATABASE_FAILED',
      message: expect.stringContaining(`A sum of tokens is ${MOST * 2n}, and`),
    })
    await db.query('delete from api_key_analytics_ledger_units')
    await deliver([MOST, MOST, 2n])
    await change(0n, '2026-09-05T11:00Z')
    expect((await close()).totals.usage).toEqual({ requests: '6', tokens: String(MOST * 2n + 2n) })
    expect(await verifyUsage(db)).toMatchObject({ balanced: true, billing: { faults: [] } })
  })
})
