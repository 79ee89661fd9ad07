import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import Export from '../../src/cli/commands/export.ts'
import { renderParquet } from '../../src/report/export/render-parquet.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile, "app" 🔑', owner: 'acme' })
const jobs = testKey(2, '=cmd()|x')
const MOST = Number.MAX_SAFE_INTEGER
const ROWS = [
  { key: acme, bucket: '2026-10-01T10:00Z', requests: 1200, quantities: { tokens: MOST } },
  { key: acme, bucket: '2026-10-31T23:00Z', method: 'POST', endpoint: '/orders', status: 201, requests: 500 },
  { key: jobs, bucket: '2026-10-12T10:00Z', bucketMinutes: 1 as const, status: 401, requests: 5 },
]

forEachDatabase('export --format parquet', (_kind, makeUrl) => {
  let env: Record<string, string>
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    env = { DATABASE_URL: await makeUrl() }
    await storeUsage(env['DATABASE_URL']!, ROWS)
    // another instance, so that the sum is more than a number can hold
    await storeUsage(env['DATABASE_URL']!, [{ ...ROWS[0]!, requests: 1 }])
  })
  afterAll(() => rm(folder, { recursive: true }))

  const run = (...args: string[]) => runCommand(Export, ['--database', env['DATABASE_URL']!, ...args])

  /** What DuckDB reads from an export, beside the same records as JSON. */
  async function exportBoth(...args: string[]) {
    const out = join(folder, 'usage.parquet')
    const parquet = await run(...args, '--format', 'parquet', '--out', out)
    expect(parquet).toMatchObject({ code: 0, stderr: '' })
    const json = await run(...args, '--format', 'json')
    return {
      read: await readParquet(out),
      records: JSON.parse(Buffer.from(json.stdout, 'latin1').toString()) as Record<string, unknown>[],
    }
  }

  test.each([
    ['stored rows', []],
    ['durations and units', ['--latency', '--units']],
    ['local times', ['--tz', 'Asia/Kolkata']],
    ['groups', ['--by', 'owner,status', '--units', '--latency']],
    ['groups by key and day', ['--by', 'key,day']],
    ['no rows', ['--month', '2025-01']],
  ])('is read back by DuckDB as the JSON export says: %s', async (_name, args) => {
    const { read, records } = await exportBoth(...args)
    expect(read.rows).toEqual(records)
  })

  test('has types, so that nothing has to be guessed', async () => {
    const { read } = await exportBoth('--units', '--latency')
    expect(read.types).toEqual({
      keyId: 'VARCHAR',
      keyLabel: 'VARCHAR',
      keyName: 'VARCHAR',
      keyOwner: 'VARCHAR',
      bucket: 'TIMESTAMP WITH TIME ZONE',
      bucketMinutes: 'INTEGER',
      method: 'VARCHAR',
      endpoint: 'VARCHAR',
      status: 'INTEGER',
      requestCount: 'BIGINT',
      durationUs: 'BIGINT',
      measuredCount: 'BIGINT',
      p50Us: 'BIGINT',
      p95Us: 'BIGINT',
      p99Us: 'BIGINT',
      tokensRequestCount: 'BIGINT',
      tokensQuantity: 'BIGINT',
    })
  })

  test('is the same bytes for the same data, and goes to a pipe', async () => {
    const [first, second] = await Promise.all(
      [0, 1].map(() => runCli(['export', '--format', 'parquet'], { env })),
    )
    expect(first!.stdout).toMatch(/^PAR1/)
    expect(second).toEqual(first)
  })

  test('is not compressed again', async () => {
    expect(await run('--format', 'parquet', '--gzip')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('A Parquet file is compressed already: leave --gzip out.'),
    })
  })
})

/** The rows as the JSON export writes them, and the types of the columns. */
async function readParquet(path: string) {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const described = await connection.runAndReadAll(`describe select * from read_parquet('${path}')`)
  const types = Object.fromEntries(described.getRows().map(([name, type]) => [name, type])) as Record<
    string,
    string
  >
  const columns = Object.entries(types).map(([name, type]) =>
    type === 'TIMESTAMP WITH TIME ZONE' ? `epoch_ms("${name}") as "${name}"` : `"${name}"`,
  )
  const result = await connection.runAndReadAll(`select ${columns.join()} from read_parquet('${path}')`)
  connection.closeSync()
  const rows = result.getRowObjects().map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        if (value !== null && types[name] === 'TIMESTAMP WITH TIME ZONE') {
          return [name, new Date(Number(value)).toISOString()]
        }
        if (typeof value !== 'bigint') return [name, value]
        // quantities are texts in JSON, where a number would be rounded
        return [name, name.endsWith('Quantity') ? String(value) : Number(value)]
      }),
    ),
  )
  return { types, rows }
}

test('a sum that a Parquet integer cannot hold is refused, and not cut', async () => {
  const columns = new Map([['tokensQuantity', () => [2n ** 63n]]])
  const pieces = renderParquet(onePage(), columns)
  await expect(pieces.next()).rejects.toMatchObject({
    code: 'WRONG_USAGE',
    message: `A sum in the column tokensQuantity is ${2n ** 63n}, more than the integers of Parquet hold. Export shorter periods, or use another format.`,
  })
})

test('rows of many groups are all there', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'apikey-analytics-test-')), 'usage.parquet')
  const columns = new Map([['requestCount', (rows: readonly number[]) => rows]])
  async function* pages() {
    for (let page = 0; page < 50; page += 1) yield Array.from({ length: 999 }, (_, row) => page * 999 + row)
  }
  await writeFile(path, renderParquet(pages(), columns))
  const { rows } = await readParquet(path)
  expect(rows.map((row) => row['requestCount'])).toEqual(Array.from({ length: 49_950 }, (_, row) => row))
  await rm(dirname(path), { recursive: true })
})

async function* onePage() {
  yield undefined
}
