import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { writeCopyStatement } from '../../src/store/read/copy-pages.ts'
import { writePageStatement } from '../../src/store/read/read-pages.ts'
import { copyOrStreamPages, streamPages } from '../../src/store/read/stream-pages.ts'
import { streamUsage } from '../../src/store/read/stream-usage.ts'
import type { UsagePage } from '../../src/store/read/usage-page.ts'
import type { UsageFilter } from '../../src/model/usage-query.ts'
import type { StoredUsageRow } from '../../src/model/usage-row.ts'
import { fillKeys, fillUsage, keyIdOf } from '../support/usage/fill-usage.ts'
import type { RowToFill } from '../support/usage/fill-usage.ts'
import { explainStatement } from '../support/databases/explain-statement.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 9, 1)
const ENDPOINTS = ['/B', '/a', '/a_', '/ä', '/￿', '/😀', "/'quoted'", '/\\']

const COPIES_FOR_LONGER = `
select from pg_stat_activity
where datname = current_database() and query like 'copy%'
  and clock_timestamp() - query_start > $1 * interval '1 millisecond'`

forEachDatabase('streamUsage', (kind, makeUrl) => {
  let db: Database
  let databaseUrl: string
  beforeAll(async () => {
    databaseUrl = await makeUrl()
    db = await openDatabase(databaseUrl)
    await fillKeys(db, [
      { key: 2, label: 'zwei', owner: 'acme' },
      { key: 1, name: 'eins' },
    ])
    await fillUsage(db, shuffledRows())
    if (kind === 'postgresql') await db.query('analyze api_key_analytics')
  })
  afterAll(() => db.close())

  const shuffledRows = (): RowToFill[] =>
    Array.from({ length: 12_000 }, (_, i) => {
      const n = (i * 7919) % 12_000
      const hour = Math.floor(n / 16)
      return {
        key: 1 + (n % 2),
        bucket: START + hour * HOUR,
        endpoint: ENDPOINTS[(n >> 1) % 8]!,
        status: 200 + (hour % 3),
        requests: n + 1,
        durationUs: n * 2,
      }
    })

  const collect = async (filter?: UsageFilter): Promise<{ pages: number[]; rows: StoredUsageRow[] }> => {
    const pages: number[] = []
    const rows: StoredUsageRow[] = []
    for await (const page of streamUsage(db, filter)) {
      pages.push(page.length)
      rows.push(...page)
    }
    return { pages, rows }
  }

  test('gives every row once, in bounded pages, in the bytewise order in which they lie', async () => {
    const { pages, rows } = await collect()
    expect(pages).toEqual(kind === 'sqlite' ? Array(24).fill(500) : Array(6).fill(2000))
    const keys = rows.map((row) =>
      Buffer.from(
        [
          ...(kind === 'sqlite'
            ? [row.keyId, row.bucket.toISOString()]
            : [row.bucket.toISOString(), row.keyId]),
          row.endpoint,
          row.method,
          row.status,
        ].join('\0'),
      ),
    )
    expect(keys.every((key, i) => i === 0 || Buffer.compare(keys[i - 1]!, key) < 0)).toBe(true)
    expect(rows.reduce((sum, row) => sum + row.requestCount, 0)).toBe((12_000 * 12_001) / 2)
  })

  test('gives each row with its key, as it was stored', async () => {
    const { rows } = await collect({ endpoint: '/😀', keyIds: [keyIdOf(2)], until: new Date(START + HOUR) })
    expect(rows).toEqual([
      {
        keyId: keyIdOf(2),
        keyLabel: 'zwei',
        keyName: null,
        keyOwner: 'acme',
        bucket: new Date(START),
        bucketMinutes: 60,
        method: 'GET',
        endpoint: '/😀',
        status: 200,
        requestCount: 12,
        durationUs: 22,
      },
    ])
  })

  test('gives a time of its own with each row, though pages by column share them', async () => {
    const [first, second] = (await collect({ keyIds: [keyIdOf(2)] })).rows
    expect(first!.bucket).toEqual(second!.bucket)
    expect(first!.bucket).not.toBe(second!.bucket)
    const [page] = await Array.fromAsync(streamPages(db, { keyIds: [keyIdOf(2)] }))
    expect(page!.bucket[0]).toBe(page!.bucket[1])
  })

  test('gives no page when nothing matches', async () => {
    expect(await collect({ owner: 'nobody' })).toEqual({ pages: [], rows: [] })
  })

  test('finds the next page by an index', async () => {
    const place = {
      api_key_id: keyIdOf(1),
      bucket: START,
      bucket_minutes: 60,
      endpoint: '/a',
      method: 'GET',
      status: 200,
    }
    const { sql, params } = writePageStatement(db.dialect, {}, place)
    expect(await explainStatement(db, sql, params)).toMatch(
      kind === 'sqlite'
        ? /USING PRIMARY KEY \(\(api_key_id,bucket/
        : /Scan using api_key_analytics_bucket_index/,
    )
  })

  test('can read all rows in the order of an index, and sort no more than a bucket at a time', async () => {
    const write = kind === 'sqlite' ? writePageStatement : writeCopyStatement
    const { sql, params } = write(db.dialect, {})
    const plan = await db.transaction(async (tx) => {
      if (kind === 'sqlite') return JSON.stringify(await tx.query(`explain query plan ${sql}`, params))
      // so few rows, which lie in no order, are better sorted as a whole
      await tx.query('set local enable_seqscan = off')
      return JSON.stringify(await tx.query(`explain ${sql}`, params))
    })
    expect(plan).toMatch(
      kind === 'sqlite'
        ? /SCAN t"/
        : db.distributed
          ? /Citus/
          : /Incremental Sort.*Presorted Key: .*bucket.*using api_key_analytics_bucket_index/,
    )
    expect(plan).not.toContain('TEMP B-TREE')
  })

  test('copies the same as it reads in pages', async () => {
    const query = { endpoint: "/'*", since: new Date(START + HOUR), latency: true }
    const copied = merge(await Array.fromAsync(copyOrStreamPages(db, query)))
    expect(copied).toEqual(merge(await Array.fromAsync(streamPages(db, query))))
    expect(copied['status']).toHaveLength(1498)
  })

  test('takes texts with quotes and numbers of parameters for what they are', async () => {
    const count = async (filter: UsageFilter) =>
      (await Array.fromAsync(copyOrStreamPages(db, filter))).reduce(
        (sum, page) => sum + page.status.length,
        0,
      )
    expect(await count({ owner: "'; drop table api_key_analytics; --$1\\", endpoint: '$2' })).toBe(0)
    expect(await count({ endpoint: "/'quoted'" })).toBe(1500)
    expect(await count({ endpoint: '/\\' })).toBe(1500)
  })

  test('leaves the database well when a reader stops early', async () => {
    for await (const page of copyOrStreamPages(db)) {
      expect(page.status).toHaveLength(db.distributed ? 2000 : 500)
      break
    }
    expect((await collect()).rows).toHaveLength(12_000)
  })

  test('tells in our words when the database fails', async () => {
    const lost = { ...db, dialect: { ...db.dialect, storedOrder: ['nothing'] } }
    for (const stream of [streamPages, copyOrStreamPages]) {
      await expect(Array.fromAsync(stream(lost))).rejects.toThrow(
        expect.objectContaining({ name: 'AnalyticsError', code: 'DATABASE_FAILED' }),
      )
    }
    expect((await collect({ endpoint: '/a' })).rows).toHaveLength(1500)
  })

  test('serves any number of slow readers at once, and lets nobody wait for them', async () => {
    const readers = Array.from({ length: 8 }, () => streamUsage(db))
    for (const reader of readers) expect((await reader.next()).done).toBe(false)
    expect((await collect({ endpoint: '/a' })).rows).toHaveLength(1500)
    await Promise.all(readers.map((reader) => reader.return()))
  })

  test('copies for as long as it takes, whatever limits there are for statements', async () => {
    const url = new URL(databaseUrl)
    const limitMs = 500
    // Citus is read in pages, and each is a statement
    if (kind === 'postgresql' && !db.distributed)
      url.search = `?query_timeout=${limitMs}&options=-c%20statement_timeout%3D${limitMs}`
    const limited = await openDatabase(url.href)
    let rows = 0
    for await (const page of copyOrStreamPages(limited)) {
      // only a server has limits, and only its clock says when one is over
      if (rows === 0 && db.copy && !db.distributed) {
        await expect.poll(() => db.query(COPIES_FOR_LONGER, [limitMs])).toHaveLength(1)
      }
      rows += page.status.length
    }
    expect(rows).toBe(12_000)
    await limited.close()
  })

  test('copies the rows of one moment where one statement reads them all', async () => {
    let rows = 0
    for await (const page of copyOrStreamPages(db)) {
      if (rows === 0) await fillUsage(db, [{ key: 2, bucket: START + 1000 * HOUR, requests: 1 }])
      rows += page.status.length
    }
    expect(rows).toBe(db.copy && !db.distributed ? 12_000 : 12_001)
  })
})

/** Pages as one. */
function merge(pages: readonly UsagePage[]): Record<string, unknown[]> {
  const merged: Record<string, unknown[]> = {}
  for (const page of pages) {
    for (const [name, values] of Object.entries(page)) (merged[name] ??= []).push(...values)
  }
  return merged
}
