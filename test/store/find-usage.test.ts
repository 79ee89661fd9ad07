import { afterAll, beforeAll, expect, test } from 'vitest'
import { findHistoryStart, HISTORY_START } from '../../src/store/read/find-history-start.ts'
import { findBorders, findUsage } from '../../src/store/read/find-usage.ts'
import { writeUsageStatement } from '../../src/store/read/write-usage-statement.ts'
import { getMostAccessedEndpoints } from '../../src/store/read/most-accessed-endpoints.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { preferStoredEndpoint } from '../../src/store/read/usage-filter.ts'
import type { UsageQuery } from '../../src/model/usage-query.ts'
import { fillKeys, fillUsage, keyIdOf } from '../support/usage/fill-usage.ts'
import type { RowToFill } from '../support/usage/fill-usage.ts'
import { explainStatement } from '../support/databases/explain-statement.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.UTC(2026, 9, 1)
/** So many that each shard of Citus has several. */
const MANY_KEYS = 40
const HOSTILE = [
  '/100%',
  '/a_c',
  '/abc',
  '/A_C',
  '/q?x',
  '/[ab]',
  "/it's",
  '/back\\slash',
  '/!bang',
  '/😀/x',
  '/*',
]

forEachDatabase('findUsage', (kind, makeUrl) => {
  let db: Database
  beforeAll(async () => {
    db = await openDatabase(await makeUrl())
    await fillKeys(db, [
      { key: 1, name: 'Beta', owner: 'acme' },
      { key: 2, name: 'alpha', owner: 'acme' },
      { key: 3, owner: 'Über %' },
      { key: 4 },
    ])
    await fillUsage(db, [
      { key: 1, bucket: START, endpoint: '/a', requests: 5 },
      { key: 1, bucket: START, endpoint: '/a', method: 'POST', status: 201, requests: 2 },
      { key: 1, bucket: START + HOUR, endpoint: '/b', status: 401, requests: 3 },
      { key: 2, bucket: START + DAY, endpoint: '/a', status: 500, requests: 4 },
      { key: 3, bucket: START + 40 * DAY, endpoint: '/c', status: 403, requests: 1 },
      ...HOSTILE.map((endpoint) => ({ key: 4, bucket: START + 2 * DAY, endpoint, requests: 10 })),
    ])
  })
  afterAll(() => db.close())

  const endpoints = async (endpoint: string): Promise<unknown[]> =>
    (await findUsage(db, { endpoint, by: ['endpoint'], keyIds: [keyIdOf(4)] })).map((row) => row.endpoint)

  test('sums everything up into one row when nothing is asked apart', async () => {
    expect(await findUsage(db, {})).toEqual([
      {
        requestCount: 125,
        clientErrorCount: 4,
        serverErrorCount: 4,
        rejectedCount: 4,
        durationUs: 125,
        firstBucket: new Date(START),
        lastBucket: new Date(START + 40 * DAY),
      },
    ])
  })

  test('tells how each group went over time, also for owners of several keys and for the total', async () => {
    const trends = async (query: UsageQuery): Promise<unknown[]> =>
      (await findUsage(db, { trend: 'day', until: new Date(START + 2 * DAY), ...query })).map((row) =>
        row.trend?.map(({ start, requestCount, errorCount }) => [
          (start.getTime() - START) / DAY,
          requestCount,
          errorCount,
        ]),
      )
    expect(await trends({})).toEqual([
      [
        [0, 10, 3],
        [1, 4, 4],
      ],
    ])
    expect(await trends({ by: ['key'] })).toEqual([[[0, 10, 3]], [[1, 4, 4]]])
    expect(await trends({ by: ['owner'], trend: 'week' })).toEqual([[[-3, 14, 7]]])
    expect(await trends({ by: ['owner', 'method'] })).toEqual([
      [
        [0, 8, 3],
        [1, 4, 4],
      ],
      [[0, 2, 0]],
    ])
    expect(await trends({ method: 'PATCH' })).toEqual([])
  })

  test('sums the same up with a trend as without', async () => {
    for (const by of [[], ['key'], ['owner'], ['key', 'owner'], ['method', 'endpoint'], ['day']] as const) {
      const rows = await findUsage(db, { by, trend: 'hour', timeZone: 'Asia/Kolkata' })
      expect(rows.map((row) => Object.assign({}, row, { trend: undefined }))).toEqual(
        await findUsage(db, { by, timeZone: 'Asia/Kolkata' }),
      )
      for (const { trend = [], requestCount } of rows) {
        expect(trend.reduce((sum, step) => sum + step.requestCount, 0)).toBe(requestCount)
      }
    }
  })

  test('gives no group when no row matches', async () => {
    expect(await findUsage(db, { method: 'PATCH' })).toEqual([])
    expect(await findUsage(db, { by: ['key', 'day'], keyIds: [] })).toEqual([])
  })

  test('sets only the fields of the dimensions asked for', async () => {
    const [row] = await findUsage(db, { by: ['key', 'status'], limit: 1 })
    const sums = ['requestCount', 'clientErrorCount', 'serverErrorCount', 'rejectedCount', 'durationUs']
    expect(Object.keys(row!).sort()).toEqual(['key', 'status', ...sums, 'firstBucket', 'lastBucket'].sort())
    expect(row).toMatchObject({
      key: { id: keyIdOf(4), label: 'key-4', name: null, owner: null },
      status: 200,
    })
  })

  test('merges the keys of an owner, and those without owner', async () => {
    const rows = await findUsage(db, { by: ['owner'], sort: 'group' })
    expect(rows.map(({ owner, requestCount }) => [owner, requestCount])).toEqual([
      ['acme', 14],
      ['Über %', 1],
      [null, 110],
    ])
  })

  test('sorts by requests, errors, last use and group, ties by the group', async () => {
    const keys = async (query: UsageQuery): Promise<unknown[]> =>
      (await findUsage(db, { by: ['key'], ...query })).map(({ key }) => key?.name ?? key?.label)
    expect(await keys({})).toEqual(['key-4', 'Beta', 'alpha', 'key-3'])
    expect(await keys({ sort: 'errors' })).toEqual(['alpha', 'Beta', 'key-3', 'key-4'])
    expect(await keys({ sort: 'lastUsed' })).toEqual(['key-3', 'key-4', 'alpha', 'Beta'])
    expect(await keys({ sort: 'group' })).toEqual(['Beta', 'alpha', 'key-3', 'key-4'])
    expect(await endpoints('*')).toEqual(
      HOSTILE.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    )
  })

  test('filters by every field', async () => {
    const requests = async (query: UsageQuery): Promise<number> =>
      (await findUsage(db, query))[0]?.requestCount ?? 0
    expect(await requests({ keyIds: [keyIdOf(1), keyIdOf(2).toUpperCase()] })).toBe(14)
    expect(await requests({ owner: 'Über %' })).toBe(1)
    expect(await requests({ owner: 'Über _' })).toBe(0)
    expect(await requests({ method: 'POST' })).toBe(2)
    expect(await requests({ method: 'post' })).toBe(0)
    expect(await requests({ status: 401 })).toBe(3)
    expect(await requests({ status: ['4xx', 500] })).toBe(8)
    expect(await requests({ status: [] })).toBe(0)
    expect(await requests({ since: new Date(START + HOUR), until: new Date(START + DAY) })).toBe(3)
    expect(await requests({ since: new Date(START + DAY), until: new Date(START + DAY + 1) })).toBe(4)
  })

  test.each(HOSTILE.filter((endpoint) => !endpoint.includes('*')))(
    'takes %s literally, also within a glob',
    async (text) => {
      expect(await endpoints(text)).toEqual([text])
      expect(await endpoints(`*${text.slice(1)}`)).toEqual([text])
      expect(await endpoints(`${text}*`)).toEqual([text])
    },
  )

  test('takes [*] for a star within a glob, and a stored name with a star for itself', async () => {
    expect(await endpoints('/[*]')).toEqual(['/*'])
    expect(await endpoints('[*]*')).toEqual([])
    expect(await endpoints('*[*]')).toEqual(['/*'])
    expect(await preferStoredEndpoint(db, '/*')).toBe('/[*]')
    expect(await preferStoredEndpoint(db, '/a*')).toBe('/a*')
  })

  test('takes operations literally, with and without a method, and none as nothing', async () => {
    const found = async (operations: UsageQuery['operations']) =>
      (await findUsage(db, { by: ['endpoint'], sort: 'group', operations })).map(({ endpoint }) => endpoint)
    expect(await found([{ endpoint: '/*' }, { endpoint: '/abc' }])).toEqual(['/*', '/abc'])
    expect(await found([{ endpoint: '/a*' }])).toEqual([])
    expect(await found([{ endpoint: '/abc', method: 'TRACE' }])).toEqual([])
    expect(await found([])).toEqual([])
  })

  test('minds the case of methods and endpoints', async () => {
    expect(await endpoints('/a*')).toEqual(['/a_c', '/abc'])
    expect(await endpoints('/A*')).toEqual(['/A_C'])
  })

  test.each<[string, UsageQuery]>([
    ['time zone', { timeZone: 'Europe/Nowhere' }],
    ['date', { since: new Date('never') }],
    ['status', { status: 600 }],
    ['key id', { keyIds: ["' or 1=1 --"] }],
  ])('refuses a %s that is none', async (_, query) => {
    await expect(findUsage(db, query)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })

  test('lists the endpoints of a key, most used first', async () => {
    const found = await getMostAccessedEndpoints(db, { id: keyIdOf(1) }, { limit: 2 })
    expect(found.map(({ method, endpoint, requestCount }) => [method, endpoint, requestCount])).toEqual([
      ['GET', '/a', 5],
      ['GET', '/b', 3],
    ])
  })

  test('reads one key by the primary key, and a period by its index', async () => {
    await fillKeys(
      db,
      Array.from({ length: MANY_KEYS }, (_, i) => ({ key: i + 1 })),
    )
    await fillUsage(db, manyRows())
    if (kind === 'postgresql') await db.query('analyze api_key_analytics')
    const period = { since: new Date(START - 10 * HOUR), until: new Date(START - 8 * HOUR) }
    const months = { since: new Date(START - 4000 * HOUR), until: new Date(START) }
    const pkey =
      kind === 'sqlite' ? /PRIMARY KEY \(api_key_id=\? AND bucket>\? AND bucket<\?\)/ : /analytics_pkey/
    expect(await explain({ ...months, by: ['endpoint', 'method'], keyIds: [keyIdOf(7)] })).toMatch(pkey)
    // SQLite goes from key to key: by the index on bucket it would search for every row
    const byPeriod = kind === 'sqlite' ? pkey : /api_key_analytics_bucket_index/
    expect(await explain({ ...period, by: ['key'] })).toMatch(byPeriod)
    expect(await explain({ ...period, by: ['day'], timeZone: 'Europe/Berlin' })).toMatch(byPeriod)
    const historyStart = await explainStatement(db, HISTORY_START(db.dialect), [])
    expect(historyStart).toMatch(/api_key_analytics_bucket_index/)
    expect((await findHistoryStart(db))?.getTime()).toBe(START - HOUR * (20_000 / MANY_KEYS))
  })

  const manyRows = (): RowToFill[] =>
    Array.from({ length: 20_000 }, (_, i) => ({
      key: 1 + (i % MANY_KEYS),
      bucket: START - HOUR * (1 + Math.floor(i / MANY_KEYS)),
    }))

  const explain = async (query: UsageQuery): Promise<string> => {
    const by = query.by ?? []
    const { sql, params } = writeUsageStatement(db.dialect, query, by, await findBorders(db, by, query))
    return explainStatement(db, sql, params)
  }
})
