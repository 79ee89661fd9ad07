import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { REJECTED_KEY } from '../../src/model/key.ts'
import { findLines, inLinesOf } from '../../src/store/keys/key-lines.ts'
import { linkKey, unlinkKey } from '../../src/store/keys/link-keys.ts'
import { listKeys } from '../../src/store/read/find-keys.ts'
import { findStraddlingRows } from '../../src/store/read/find-straddling-rows.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { streamUsage } from '../../src/store/read/stream-usage.ts'
import { forgetKey } from '../../src/store/remove/forget-key.ts'
import { countWholeDays } from '../../src/store/read/count-whole-days.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import type { UsageQuery } from '../../src/model/usage-query.ts'
import { writeUsageStatement } from '../../src/store/read/write-usage-statement.ts'
import { explainStatement } from '../support/databases/explain-statement.ts'
import { openUsage } from '../../src/open-usage.ts'
import { fillKeys, fillUsage, keyIdOf } from '../support/usage/fill-usage.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const START = Date.UTC(2026, 9, 1)
const [OLD, NEW, NEWEST, OTHER, FOREIGN] = [1, 2, 3, 4, 5].map(keyIdOf) as [
  string,
  string,
  string,
  string,
  string,
]

forEachDatabase('links of keys', (kind, makeUrl) => {
  let url: string
  let db: Database
  beforeAll(async () => {
    url = await makeUrl()
    db = await openDatabase(url)
    await fillKeys(db, [
      { key: 1, name: 'app', owner: 'acme', at: START },
      { key: 2, name: 'app', owner: 'acme', at: START + DAY },
      { key: 3, name: 'app', at: START + 2 * DAY },
      { key: 4, at: START },
      { key: 5, owner: 'globex', at: START },
    ])
    await fillUsage(db, [
      { key: 1, bucket: START, requests: 3, tokens: 30, status: 500, durationUs: 10 },
      { key: 1, bucket: START, requests: 3, endpoint: '/a', minutes: 1440 },
      { key: 2, bucket: START + DAY, requests: 4, tokens: 40 },
      { key: 3, bucket: START + 2 * DAY, requests: 5, endpoint: '/a' },
      { key: 4, bucket: START, requests: 7 },
      { key: 5, bucket: START, requests: 9 },
    ])
  })
  beforeEach(() => db.query('delete from api_key_analytics_links'))
  afterAll(() => db.close())

  const link = (id: string, continues: string, acrossOwners = false) =>
    linkKey(db, id, { continues, acrossOwners })
  const found = async (query: UsageQuery) =>
    (await findUsage(db, query)).map(({ key, owner, requestCount }) =>
      owner === undefined
        ? [key?.label, key?.keyCount, requestCount]
        : [key?.label, key?.keyCount, owner, requestCount],
    )
  const newestOf = async (id: string) => (await findLines(db, [id])).get(id)?.newest

  test('add up under the newest key, and each alone without links', async () => {
    const query: UsageQuery = { by: ['key'], sort: 'group' }
    const alone = await findUsage(db, query)
    expect(await link(NEW, OLD)).toBe(true)
    expect(await link(NEWEST, NEW)).toBe(true)
    expect(await found(query)).toEqual([
      ['key-3', 3, 15],
      ['key-4', undefined, 7],
      ['key-5', undefined, 9],
    ])
    expect(await findUsage(db, { ...query, links: false })).toEqual(alone)
    const [line] = await findUsage(db, { ...query, unit: 'tokens', trend: 'day' })
    expect(line).toMatchObject({
      key: {
        id: NEWEST,
        name: 'app',
        firstSeenAt: new Date(START),
        lastUsedAt: new Date(START + 2 * DAY),
      },
      quantity: 70n,
      requestCount: 7,
      trend: [{ quantity: 30n }, { quantity: 40n }],
    })
  })

  test.each<[string, UsageQuery]>([
    ['durations', { by: ['key'], latency: true }],
    ['units', { by: ['key'], units: true }],
    ['a trend', { by: ['key'], trend: 'day' }],
    ['endpoints', { by: ['key', 'endpoint'] }],
    ['owners', { by: ['owner', 'key'], trend: 'day', units: true }],
    ['days and statuses', { by: ['day', 'key', 'status'] }],
    ['the endpoints of one key', { keyIds: [NEW], by: ['endpoint'], latency: true, units: true }],
    ['one key without groups', { keyIds: [NEW], units: true }],
    ['one key and one owner', { keyIds: [NEW], owner: 'acme', by: ['key'] }],
    ['a limit', { by: ['key'], limit: 1 }],
    ['the last use', { by: ['key'], sort: 'lastUsed' }],
    ['errors', { by: ['key'], sort: 'errors' }],
  ])('have the sum of their parts: %s', async (_name, query) => {
    const ids = [OLD, NEW, NEWEST]
    const parts = await findUsage(db, { ...query, limit: undefined, ...(query.keyIds && { keyIds: ids }) })
    await link(NEW, OLD)
    await link(NEWEST, OLD)
    const lines = await findUsage(db, query)
    const groupOf = ({ key, day, endpoint, status, owner }: (typeof parts)[number]) =>
      JSON.stringify([key && (ids.includes(key.id) ? 'line' : key.id), day, endpoint, status, owner])
    for (const [name, sums] of Map.groupBy(lines, groupOf)) {
      const of = parts.filter((part) => groupOf(part) === name)
      const sum = (read: (row: (typeof parts)[number]) => number, rows = of) =>
        rows.reduce((total, row) => total + read(row), 0)
      expect(sums).toHaveLength(1)
      const [line] = sums
      expect(line!.requestCount).toBe(sum((row) => row.requestCount))
      expect(line!.durationUs).toBe(sum((row) => row.durationUs))
      expect(line!.serverErrorCount).toBe(sum((row) => row.serverErrorCount))
      expect(line!.firstBucket).toEqual(
        new Date(Math.min(...of.map(({ firstBucket }) => firstBucket.getTime()))),
      )
      const tokens = (row: (typeof parts)[number]) => Number(row.quantities?.[0]?.quantity ?? 0n)
      expect(tokens(line!)).toBe(sum(tokens))
      const steps = (row: (typeof parts)[number]) =>
        row.trend?.reduce((total, { requestCount }) => total + requestCount, 0) ?? 0
      expect(steps(line!)).toBe(sum(steps))
    }
    if (query.limit === undefined)
      expect(lines.reduce((total, { requestCount }) => total + requestCount, 0)).toBe(
        parts.reduce((total, { requestCount }) => total + requestCount, 0),
      )
  })

  test('keep the owner of each request', async () => {
    const byOwner = await findUsage(db, { by: ['owner'] })
    await link(NEW, OLD)
    await link(NEWEST, NEW)
    await link(FOREIGN, NEWEST, true)
    expect(await findUsage(db, { by: ['owner'] })).toEqual(byOwner)
    expect(await found({ by: ['key', 'owner'], sort: 'group' })).toEqual([
      ['key-4', undefined, null, 7],
      ['key-5', 4, 'acme', 10],
      ['key-5', 4, 'globex', 9],
      ['key-5', 4, null, 5],
    ])
    expect(await found({ by: ['key'], owner: 'acme' })).toEqual([['key-5', 4, 10]])
  })

  test('are followed by each read of one key, and by none that asks for it alone', async () => {
    await link(NEW, OLD)
    const usage = await openUsage(url)
    try {
      const requests = async (links?: boolean) => {
        const pages = await Array.fromAsync(usage.streamUsage({ keyIds: [OLD.toUpperCase()], links }))
        return pages.flat().map(({ requestCount, keyLine }) => [requestCount, keyLine])
      }
      expect(await requests()).toEqual([
        [3, NEW],
        [3, NEW],
        [4, NEW],
      ])
      expect(await requests(false)).toEqual([
        [3, NEW],
        [3, NEW],
      ])
      expect(await usage.getMostAccessedEndpoints(OLD)).toMatchObject([
        { endpoint: '/', requestCount: 7 },
        { endpoint: '/a', requestCount: 3 },
      ])
      expect(await usage.getMostAccessedEndpoints(OLD, { links: false })).toMatchObject([
        { requestCount: 3 },
        { requestCount: 3 },
      ])
      expect(await usage.findKeys('key-2')).toMatchObject([{ id: NEW, continues: OLD }])
    } finally {
      await usage.close()
    }
    const period = { since: new Date(START), until: new Date(START + 2 * DAY) }
    expect(await countWholeDays(db, { ...period, keyIds: [NEW] })).toBe(3)
    expect(await countWholeDays(db, { ...period, keyIds: [NEW], links: false })).toBe(0)
    const border = { since: new Date(START + HOUR / 2), keyIds: [NEW] }
    expect(await findStraddlingRows(db, border)).toEqual({ rows: 2, requests: 6 })
    expect(await findStraddlingRows(db, { ...border, links: false })).toEqual({ rows: 0, requests: 0 })
    const pages = await Array.fromAsync(streamUsage(db, { keyIds: [OTHER] }))
    expect(Object.keys(pages[0]![0]!)).not.toContain('keyLine')
  })

  test('cost a database without links one look-up, and change no statement', async () => {
    const statements = async (query: UsageQuery) => {
      const sent: string[] = []
      const watching = {
        ...db,
        query: <Row>(sql: string, params?: readonly unknown[]) => {
          sent.push(sql)
          return db.query<Row>(sql, params)
        },
      }
      await findUsage(watching, query)
      return sent
    }
    const byKey: UsageQuery = { by: ['key', 'endpoint'], trend: 'day' }
    const [lookUp, statement, ...rest] = await statements(byKey)
    expect(lookUp).toBe('select 1 from api_key_analytics_links limit 1')
    expect([statement]).toEqual(await statements({ ...byKey, links: false }))
    expect(rest).toEqual([])
    expect(await statements({ by: ['endpoint'] })).toHaveLength(1)
    expect(await statements({ keyIds: [OLD], by: ['key'] })).toHaveLength(2)
  })

  test('are found by an index: a read of one line does not look at the others', async () => {
    const explain = (sql: string, params: readonly unknown[]) => explainStatement(db, sql, params)
    const ids = Array.from({ length: 2000 }, (_none, index) => ({ key: 1000 + index }))
    await fillKeys(db, ids)
    for (const { key } of ids) {
      await db.query(
        'insert into api_key_analytics_links (api_key_id, continues, line) values ($1, null, $2)',
        [keyIdOf(key), keyIdOf(key - (key % 2))],
      )
    }
    if (kind === 'postgresql') await db.query('analyze api_key_analytics_links, api_key_analytics_keys')
    const inLine = `select api_key_id from api_key_analytics_links where ${inLinesOf([keyIdOf(1000)])}`
    expect(await explain(inLine, [keyIdOf(1000)])).toMatch(/api_key_analytics_links_line_index/)
    const query = { keyIds: [keyIdOf(1000), keyIdOf(1001)] }
    const { sql, params } = writeUsageStatement(db.dialect, query, ['key'], new Map(), true)
    expect(await explain(sql, params)).not.toMatch(
      /Seq Scan on api_key_analytics_(links|keys)|SCAN (l|m|k)\b/,
    )
    // as large as a line may become
    await db.query(`update api_key_analytics_links set line = $1, continues = $1 where line <= $2`, [
      keyIdOf(1998),
      keyIdOf(1998),
    ])
    await db.query('update api_key_analytics_links set continues = null where api_key_id = $1', [
      keyIdOf(1998),
    ])
    await expect(link(keyIdOf(2998), keyIdOf(1998))).rejects.toThrow(/^A line has at most 1000 keys\./)
    await db.query(`delete from api_key_analytics_keys where label like 'key-1___' or label like 'key-2___'`)
  })

  test('are listed with the keys', async () => {
    await link(NEW, OLD)
    const listed = (await listKeys(db)).map(({ id, continues, requestCount }) => [
      id,
      continues,
      requestCount,
    ])
    expect(listed).toContainEqual([NEW, OLD, 4])
    expect(listed).toContainEqual([OLD, undefined, 6])
  })

  test('are made once, and undone', async () => {
    expect(await link(NEW, OLD)).toBe(true)
    expect(await link(NEW, OLD)).toBe(false)
    expect(await unlinkKey(db, NEW)).toBe(OLD)
    expect(await unlinkKey(db, NEW)).toBeUndefined()
    expect(await db.query('select * from api_key_analytics_links')).toEqual([])
  })

  test('make a tree, which falls apart where it is cut', async () => {
    await link(NEW, OLD)
    await link(OTHER, OLD)
    await link(NEWEST, NEW)
    // of the keys that no other continues, the one that was seen first last
    expect(await newestOf(OLD)).toBe(NEWEST)
    await unlinkKey(db, NEW)
    expect(await newestOf(NEWEST)).toBe(NEWEST)
    expect(await newestOf(NEW)).toBe(NEWEST)
    expect(await newestOf(OLD)).toBe(OTHER)
    expect((await findLines(db, [OLD])).get(OLD)?.keyIds).toEqual([OLD, OTHER])
  })

  test('are made and undone from code, by id or by what findKeys found', async () => {
    const usage = await openUsage(url)
    const [older] = await usage.findKeys('key-1')
    expect(await usage.linkKey(NEW.toUpperCase(), { continues: older! })).toBe(true)
    expect(await usage.linkKey(NEW, { continues: OLD })).toBe(false)
    expect(await found({ keyIds: [OLD], by: ['key'] })).toEqual([['key-2', 2, 10]])
    await expect(usage.linkKey(FOREIGN, { continues: NEW })).rejects.toThrow(/acrossOwners/)
    expect(await usage.linkKey(FOREIGN, { continues: NEW, acrossOwners: true })).toBe(true)
    expect(await usage.unlinkKey({ id: FOREIGN })).toBe(NEW)
    expect(await usage.unlinkKey(FOREIGN)).toBeUndefined()
    await expect(usage.unlinkKey('key-2')).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      message:
        'The text given as the id of a key is none. findKeys() finds ids by name, label or a part of them.',
    })
    await usage.close()
  })

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['itself', () => link(OLD, OLD), /cannot continue itself/],
    ['(rejected)', () => link(OLD, REJECTED_KEY.id), /\(other\) and \(rejected\) stand for many keys/],
    [
      'a key that continues (other)',
      () => link('00000000-0000-0000-0000-000000000001', OLD),
      /stand for many/,
    ],
    ['an unknown key', () => link(OLD, keyIdOf(99)), /There is no key 00000099-/],
    ['the link of an unknown key', () => unlinkKey(db, keyIdOf(99)), /There is no key 00000099-/],
    ['an owner', () => link(FOREIGN, OLD), /different owners: globex and acme\. .* --across-owners/],
  ])('are refused: %s', async (_name, run, message) => {
    await expect(run()).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      message: expect.stringMatching(message),
    })
    expect(await db.query('select * from api_key_analytics_links')).toEqual([])
  })

  test('are refused where they would be a loop or a second parent, with what to do', async () => {
    await link(NEW, OLD)
    await link(NEWEST, NEW)
    await expect(link(OLD, NEWEST)).rejects.toThrow(
      /^app \(key-3\) continues app \(key-1\) already, itself or through other keys/,
    )
    await expect(link(NEW, OTHER)).rejects.toThrow(
      `app (key-2) continues app (key-1) already. Run "apikey-analytics keys unlink ${NEW}" first.`,
    )
    await expect(unlinkKey(db, OLD)).rejects.toThrow(
      'app (key-1) continues no key. It is continued by app (key-2): unlink that key instead.',
    )
    expect(await newestOf(OLD)).toBe(NEWEST)
  })

  test('of different owners need no second permission', async () => {
    await link(FOREIGN, OLD, true)
    await expect(link(NEW, FOREIGN)).resolves.toBe(true)
  })

  test('stay whole when a key of a line is forgotten', async () => {
    const [a, b, c, d, e] = [11, 12, 13, 14, 15].map(keyIdOf) as [string, string, string, string, string]
    await fillKeys(
      db,
      [11, 12, 13, 14, 15].map((key) => ({ key, at: START + key * HOUR })),
    )
    await fillUsage(
      db,
      [11, 12, 13, 14, 15].map((key) => ({ key, bucket: START + 3 * DAY, requests: key })),
    )
    const requests = async () => (await findUsage(db, { keyIds: [e] }))[0]?.requestCount
    const linksOf = async () => {
      const keys = (await listKeys(db)).filter(({ id }) => [a, b, c, d, e].includes(id))
      return Object.fromEntries(keys.map(({ id, continues }) => [Number(id.slice(0, 8)), continues]))
    }
    // 11 <- 12 <- 13, and 11 <- 14, 11 <- 15
    await link(b, a)
    await link(c, b)
    await link(d, a)
    await link(e, a)
    await forgetKey(db, b)
    expect(await linksOf()).toEqual({ 11: undefined, 13: a, 14: a, 15: a })
    expect(await requests()).toBe(11 + 13 + 14 + 15)
    // the first one: the next one takes its place
    await forgetKey(db, a)
    expect(await linksOf()).toEqual({ 13: undefined, 14: c, 15: c })
    expect(await newestOf(c)).toBe(e)
    // the newest
    await forgetKey(db, e)
    expect(await newestOf(c)).toBe(d)
    await forgetKey(db, c)
    expect(await db.query('select * from api_key_analytics_links')).toEqual([])
    expect(await found({ keyIds: [d], by: ['key'] })).toEqual([['key-14', undefined, 14]])
    await forgetKey(db, d)
  })
})
