import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFindings } from '../../src/security/find-findings.ts'
import type { SecurityOptions } from '../../src/security/find-findings.ts'
import type { FindingKind } from '../../src/security/finding.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { REJECTED_KEY } from '../../src/model/key.ts'
import { fillKeys, fillUsage, keyIdOf } from '../support/usage/fill-usage.ts'
import type { RowToFill } from '../support/usage/fill-usage.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const UNTIL = Date.UTC(2026, 10, 2)
const SINCE = UNTIL - DAY
const HISTORY = SINCE - 28 * DAY

/** 30 requests an hour, one of them refused, one missing and one failed. */
function usual(key: number, from = HISTORY, to = UNTIL): RowToFill[] {
  const hours = Array.from({ length: (to - from) / HOUR }, (_, hour) => from + hour * HOUR)
  return hours.flatMap((bucket) => [
    { key, bucket, requests: 26 },
    { key, bucket, method: 'PUT', requests: 1 },
    { key, bucket, status: 403, requests: 1 },
    { key, bucket, status: 404, requests: 1 },
    { key, bucket, status: 500, requests: 1 },
  ])
}

function at(hour: number): number {
  return SINCE + hour * HOUR
}

forEachDatabase('findings', (_kind, makeUrl) => {
  let db: Database

  beforeAll(async () => {
    db = await openDatabase(await makeUrl())
  })
  afterAll(() => db.close())

  /** The findings of a database that has just these rows. */
  async function find(
    rows: readonly RowToFill[],
    { firstSeen = {}, ...options }: SecurityOptions & { firstSeen?: Record<number, number> } = {},
  ) {
    await db.query('delete from api_key_analytics')
    await db.query('delete from api_key_analytics_keys')
    const keys = [...new Set(rows.map(({ key }) => key))]
    await fillKeys(
      db,
      keys.map((key) => ({ key, at: firstSeen[key] ?? 0 })),
    )
    for (let start = 0; start < rows.length; start += 5000)
      await fillUsage(db, rows.slice(start, start + 5000))
    const source = { findUsage: (query: Parameters<typeof findUsage>[1]) => findUsage(db, query) }
    return findFindings(source, { until: new Date(UNTIL), ...options })
  }

  test('are none in an empty database, and none where all is as usual', async () => {
    expect((await find([])).findings).toEqual([])
    const quiet = await find(usual(1))
    expect(quiet).toMatchObject({ findings: [], keyCount: 1, youngKeyCount: 0, historyDays: 28 })
  })

  describe('of each kind', () => {
    test.each<[FindingKind, RowToFill[], object, Record<number, number>?]>([
      [
        'rejected-burst',
        [
          { key: 1, bucket: at(3), endpoint: '/login', method: 'POST', status: 401, requests: 150 },
          { key: 1, bucket: at(3), status: 201, requests: 90 },
        ],
        {
          severity: 'high',
          endpoints: ['POST /login', 'GET /'],
          requestCount: 151,
          from: new Date(at(3)),
          to: new Date(at(4)),
        },
      ],
      [
        'refused-key',
        [
          { key: 2, bucket: at(5), status: 401, requests: 30 },
          { key: 2, bucket: at(20), status: 401, requests: 40 },
          { key: 2, bucket: SINCE - DAY, requests: 5 },
        ],
        {
          severity: 'medium',
          requestCount: 70,
          from: new Date(at(5)),
          to: new Date(at(21)),
          normal: '0% refused before',
        },
      ],
      [
        'unusual-rate',
        [{ key: 1, bucket: at(7), status: 202, requests: 400 }],
        { severity: 'medium', normal: '28 in such an hour', seen: '428 requests, 428 in one hour' },
      ],
      [
        'error-jump',
        [{ key: 1, bucket: at(9), status: 422, requests: 60 }],
        { severity: 'medium', seen: '61 of 90 requests failed (68%)', normal: '3.3% failed' },
      ],
      [
        'scanning',
        Array.from({ length: 30 }, (_, path) => ({
          key: 1,
          bucket: at(2),
          endpoint: `/.git/${path}`,
          status: 404,
          requests: 3,
        })),
        { severity: 'high', requestCount: 91 },
      ],
      [
        'scanning',
        [{ key: 1, bucket: at(2), endpoint: '(unmatched)', status: 404, requests: 700 }],
        { severity: 'critical' },
      ],
      [
        'new-endpoint',
        [{ key: 1, bucket: at(2), endpoint: '/admin/keys', method: 'DELETE', requests: 60 }],
        { severity: 'low', endpoints: ['DELETE /admin/keys'], normal: 'no request to it in 28 days' },
      ],
      [
        'dormant-key',
        [
          { key: 2, bucket: SINCE - 60 * DAY, requests: 5 },
          { key: 2, bucket: at(1), requests: 20 },
        ],
        {
          severity: 'medium',
          seen: '20 requests after 60 days of silence',
          normal: 'no request since 2026-09-02',
        },
      ],
      [
        'new-key-volume',
        [{ key: 2, bucket: at(1), requests: 3000 }],
        { severity: 'medium', normal: 'nine of ten keys make fewer than 720 a day' },
        { 2: at(1) },
      ],
    ])(
      '%s: what was seen, what is normal, when, where, what to do',
      async (kind, rows, expected, firstSeen = {}) => {
        const { findings } = await find([...usual(1), ...rows], { firstSeen })
        expect(findings.map((finding) => finding.kind)).toEqual([kind])
        expect(findings[0]).toMatchObject(expected)
        expect(findings[0]?.key?.id).toBe(keyIdOf(rows[0]!.key))
        expect(findings[0]?.advice).toMatch(/\w+.*\.$/)
      },
    )
  })

  test('of unknown keys need no history', async () => {
    await find([])
    const time = db.dialect.timeOf('$3')
    await db.query(
      `insert into api_key_analytics_keys (id, label, first_seen_at, last_used_at) values ($1, $2, ${time}, ${time})`,
      [REJECTED_KEY.id, REJECTED_KEY.label, at(1)],
    )
    await db.query(
      `insert into api_key_analytics (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_us,
  duration_first_bin, duration_bins)
values ($1, ${db.dialect.timeOf('$2')}, 60, '/login', 'POST', 401, 5000, 0, 0, ${db.dialect.histogram.fromJson("'[5000]'")})`,
      [REJECTED_KEY.id, at(1)],
    )
    const { findings } = await findFindings(
      { findUsage: (query) => findUsage(db, query) },
      { until: new Date(UNTIL) },
    )
    expect(findings).toMatchObject([
      {
        kind: 'rejected-burst',
        severity: 'critical',
        key: { label: '(rejected)' },
        endpoints: ['POST /login'],
      },
    ])
  })

  describe('of a quantity', () => {
    /** As `usual`, and what answers 200 uses 90 to 110 tokens per request. */
    const withTokens = (key: number, from = HISTORY) =>
      usual(key).map((row) =>
        row.requests === 26 && row.bucket >= from
          ? Object.assign(row, { tokens: 26 * (90 + ((row.bucket / HOUR) % 21)) })
          : row,
      )
    /** Three requests with as many tokens as 600 usual ones. */
    const surge = { key: 1, bucket: at(7), endpoint: '/answers', status: 201, requests: 3, tokens: 60_000 }

    test('name its unit, and judge it as a rate: by usual requests', async () => {
      expect((await find(withTokens(1))).findings).toEqual([])
      const usualThen = withTokens(1).find(({ bucket, tokens }) => bucket === at(7) && tokens)!.tokens!
      const { findings } = await find([...withTokens(1), ...withTokens(2), surge])
      expect(findings).toMatchObject([
        {
          kind: 'unusual-quantity',
          severity: 'medium',
          key: { label: 'key-1' },
          unit: 'tokens',
          quantity: BigInt(60_000 + usualThen),
          requestCount: 29,
          endpoints: ['GET /answers', 'GET /'],
          from: new Date(at(7)),
          to: new Date(at(8)),
          seen: `${(60_000 + usualThen).toLocaleString('en-US')} tokens, ${(60_000 + usualThen).toLocaleString('en-US')} in one hour`,
          normal: expect.stringMatching(/^2,\d\d\d tokens in such an hour$/),
        },
      ])
    })

    test('are none below the thresholds of a rate, or where the key always scatters', async () => {
      expect((await find([...withTokens(1), { ...surge, tokens: 4000 }])).findings).toEqual([])
      expect((await find([...withTokens(1), surge], { rateFactor: 40 })).findings).toEqual([])
      const wild = withTokens(1).map((row, index) =>
        row.tokens ? Object.assign(row, { tokens: row.tokens * (index % 7 === 0 ? 30 : 1) }) : row,
      )
      expect((await find([...wild, surge])).findings).toEqual([])
    })

    test('are none of a unit that is new in the database, and are some of one that is new to a key', async () => {
      expect((await find([...withTokens(1, SINCE - 5 * DAY), surge])).findings).toEqual([])
      const newToKey = Array.from({ length: 3 }, (_, hour) => ({
        ...surge,
        bucket: at(7 + hour),
        requests: 250,
        status: 404,
      }))
      const { findings } = await find([...usual(1), ...withTokens(2), ...newToKey])
      expect(findings.find(({ kind }) => kind === 'unusual-quantity')).toMatchObject({
        key: { label: 'key-1' },
        quantity: 180_000n,
        normal: '0 tokens in such an hour',
      })
    })

    test('are read only of units that were used in the period', async () => {
      const asked: object[] = []
      const source = {
        findUsage: (query: Parameters<typeof findUsage>[1]) => {
          asked.push(query)
          return findUsage(db, query)
        },
      }
      await find(usual(1))
      await findFindings(source, { until: new Date(UNTIL) })
      expect(asked.filter((query) => 'unit' in query)).toEqual([])
    })
  })

  test('of a key with little history are left out, and that is said', async () => {
    const rows = [...usual(1, SINCE - 5 * DAY), { key: 1, bucket: at(7), status: 202, requests: 9000 }]
    const found = await find(rows, { firstSeen: { 1: SINCE - 5 * DAY } })
    expect(found).toMatchObject({ findings: [], keyCount: 1, youngKeyCount: 1, historyDays: 5 })
    const { findings } = await find(rows, { firstSeen: { 1: SINCE - 5 * DAY }, minHistoryDays: 4 })
    expect(findings.map(({ kind }) => kind)).toEqual(['new-key-volume', 'unusual-rate'])
  })

  test('of a key whose old counts were delivered late do not take it for a new one', async () => {
    const late = { key: 1, bucket: at(7), status: 202, requests: 9000 }
    const { findings } = await find([...usual(1), late], { firstSeen: { 1: at(2) } })
    expect(findings.map(({ kind }) => kind)).toEqual(['unusual-rate'])
  })

  test('of a weekly or daily job that runs as it does every time, or an hour late, are none', async () => {
    const daily = Array.from({ length: 28 }, (_, day) => ({
      key: 1,
      bucket: HISTORY + day * DAY + 2 * HOUR,
      requests: 5000,
    }))
    const weekly = [0, 7, 14, 21].map((day) => ({
      key: 2,
      bucket: HISTORY + day * DAY + 4 * HOUR,
      requests: 5000,
    }))
    const now = [
      { key: 1, bucket: at(3), requests: 5200 },
      { key: 2, bucket: at(4), requests: 5200 },
    ]
    expect((await find([...daily, ...weekly, ...now])).findings).toEqual([])
  })

  test('of an outage that hits many keys are one, and of a release none', async () => {
    const keys = [1, 2, 3, 4, 5]
    const outage = keys.map((key) => ({ key, bucket: at(9), status: 503, requests: 400 }))
    const release = keys.map((key) => ({ key, bucket: at(9), endpoint: '/v2', requests: 100 }))
    const { findings } = await find([...keys.flatMap((key) => usual(key)), ...outage, ...release], {
      rateFactor: 1e6,
    })
    expect(findings).toMatchObject([{ kind: 'error-jump', key: null, requestCount: 5 * 401 }])
    expect(findings).toHaveLength(1)
  })

  test('of one endpoint whose items are gone are no scanning', async () => {
    const gone = { key: 1, bucket: at(2), endpoint: '/items/:id', status: 404, requests: 700 }
    expect((await find([...usual(1), gone])).findings).toEqual([])
  })

  test('are the same however few keys are read at a time', async () => {
    const surges = [1, 2, 3].map((key) => ({ key, bucket: at(key), status: 202, requests: 400 }))
    const rows = [1, 2, 3].flatMap((key) => usual(key)).concat(surges)
    const day = await find(rows)
    // So long a history that each key is read alone.
    const [long, longer] = [await find(rows, { historyWeeks: 52 }), await find(rows, { historyWeeks: 40 })]
    expect(day.findings.map(({ kind, key }) => [kind, key?.label])).toEqual([
      ['unusual-rate', 'key-3'],
      ['unusual-rate', 'key-2'],
      ['unusual-rate', 'key-1'],
    ])
    expect(long.findings).toEqual(longer.findings)
    expect(long.findings).toEqual(day.findings)
  })

  test('come most severe first', async () => {
    const rows = [
      { key: 1, bucket: at(20), endpoint: '/admin', requests: 60 },
      { key: 1, bucket: at(2), endpoint: '(unmatched)', status: 404, requests: 700 },
      { key: 1, bucket: at(9), status: 422, requests: 60 },
    ]
    const { findings } = await find([...usual(1), ...rows])
    expect(findings.map(({ severity }) => severity)).toEqual(['critical', 'medium', 'low'])
  })

  test.each<[string, object]>([
    ['an unknown threshold', { rateFactr: 2 }],
    ['a threshold that is no number', { rateFactor: '2' }],
    ['a share above one', { errorShare: 2 }],
    ['NaN', { surprise: Number.NaN }],
    ['half a week', { historyWeeks: 0.5 }],
    ['an own __proto__', JSON.parse('{"__proto__": {"rateFactor": 2}}') as object],
    ['an empty period', { since: new Date(UNTIL + DAY) }],
    ['an invalid date', { since: new Date(Number.NaN) }],
  ])('refuse %s', async (_name, options) => {
    await expect(find([], options)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })
})
