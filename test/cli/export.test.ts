import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { startCli } from '../support/cli/start-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile, "app"', owner: 'acme' })
const evil = testKey(2, '=cmd()|x', { name: "'quoted" })
const HEAD =
  'keyId,keyLabel,keyName,keyOwner,bucket,bucketMinutes,method,endpoint,status,requestCount,durationUs\r\n'
const ROWS = [
  { key: acme, bucket: '2026-10-01T10:00Z', requests: 1200 },
  { key: acme, bucket: '2026-10-31T23:00Z', method: 'POST', endpoint: '/orders', status: 201, requests: 500 },
  { key: evil, bucket: '2026-10-12T10:00Z', bucketMinutes: 1 as const, status: 401, requests: 5 },
]
const LINES = [
  `${acme.id},sk_l…9f2a,"Mobile, ""app""",acme,2026-10-01T10:00:00.000Z,60,GET,/users/:id,200,1200,1800000\r\n`,
  `${acme.id},sk_l…9f2a,"Mobile, ""app""",acme,2026-10-31T23:00:00.000Z,60,POST,/orders,201,500,750000\r\n`,
  `${evil.id},'=cmd()|x,''quoted,,2026-10-12T10:00:00.000Z,1,GET,/users/:id,401,5,7500\r\n`,
]

forEachDatabase('export', (kind, makeUrl) => {
  // by key on SQLite, by time on PostgreSQL: as the rows lie there
  const [first, second, third] = LINES as [string, string, string]
  const CSV = HEAD + (kind === 'sqlite' ? LINES.join('') : first + third + second)
  let env: Record<string, string>
  let folder: string
  const run = (...args: string[]) => runCli(['export', ...args], { env })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    env = { DATABASE_URL: await makeUrl() }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('writes every stored row as CSV, in one order, the same bytes each time', async () => {
    expect(await run()).toEqual({ code: 0, stdout: CSV, stderr: '' })
    expect((await run()).stdout).toBe(CSV)
  })

  test('adds the quantities of each unit, with every digit, and of cells that have nothing else', async () => {
    const [url, most] = [await makeUrl(), Number.MAX_SAFE_INTEGER]
    await storeUsage(url, [
      { key: acme, bucket: '2026-10-01T10:00Z', requests: 2, quantities: { tokens: most } },
      { key: acme, bucket: '2026-10-01T11:00Z', requests: 1, quantities: { rows: 0 } },
      { key: acme, bucket: '2026-10-01T12:00Z', requests: 0, quantities: { rows: 7 } },
      { key: acme, bucket: '2026-10-01T13:00Z', requests: 3 },
    ])
    // another instance, so that a sum is more than a number can hold
    await storeUsage(url, [
      { key: acme, bucket: '2026-10-01T10:00Z', requests: 1, quantities: { tokens: most } },
    ])
    const sum = String(BigInt(most) * 2n)
    const export2 = (...args: string[]) => runCli(['export', ...args], { env: { DATABASE_URL: url } })
    const names = ['rowsRequestCount', 'rowsQuantity', 'tokensRequestCount', 'tokensQuantity']
    const csv = (await export2('--units', '--columns', 'bucket,requestCount')).stdout
    expect(csv.split('\r\n')).toEqual([
      `bucket,requestCount,${names.join()}`,
      `2026-10-01T10:00:00.000Z,3,,,3,${sum}`,
      '2026-10-01T11:00:00.000Z,1,1,0,,',
      '2026-10-01T12:00:00.000Z,0,0,7,,',
      '2026-10-01T13:00:00.000Z,3,,,,',
      '',
    ])
    expect((await export2('--units')).stdout).toContain(`,durationUs,${names.join()}\r\n`)
    // without asking there is neither the column nor the row
    expect((await export2()).stdout.split('\r\n')).toHaveLength(5)
    const [first] = JSON.parse(
      (await export2('--format', 'json', '--columns', 'bucket,tokensQuantity')).stdout,
    )
    expect(first).toEqual({ bucket: '2026-10-01T10:00:00.000Z', tokensQuantity: sum })
    const grouped = await export2('--by', 'key,day', '--units', '--columns', 'day,requestCount')
    expect(grouped.stdout).toBe(
      `day,requestCount,${names.join()}\r\n2026-10-01T00:00:00.000Z,7,1,7,3,${sum}\r\n`,
    )
    expect(await export2('--columns', 'tokenQuantity')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean tokensQuantity'),
    })
  })

  test('writes JSON and NDJSON with the same records', async () => {
    const records = JSON.parse((await run('--format', 'json')).stdout)
    expect(records).toHaveLength(3)
    expect(records.find(({ status }: { status: number }) => status === 401)).toEqual({
      keyId: evil.id,
      keyLabel: '=cmd()|x',
      keyName: "'quoted",
      keyOwner: null,
      bucket: '2026-10-12T10:00:00.000Z',
      bucketMinutes: 1,
      method: 'GET',
      endpoint: '/users/:id',
      status: 401,
      requestCount: 5,
      durationUs: 7500,
    })
    const lines = (await run('--format', 'ndjson')).stdout.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(records)
    expect((await run('--json')).stdout).toBe((await run('--format', 'json')).stdout)
  })

  test('writes only the columns and rows asked for', async () => {
    const { stdout } = await run(
      '--columns',
      'endpoint,requestCount',
      '--status',
      '2xx',
      '--since',
      '2026-10-02',
    )
    expect(stdout).toBe('endpoint,requestCount\r\n/orders,500\r\n')
  })

  test('writes groups', async () => {
    const { stdout } = await run(
      '--by',
      'key,month',
      '--columns',
      'keyLabel,month,requestCount,rejectedCount',
    )
    expect(stdout).toBe(
      'keyLabel,month,requestCount,rejectedCount\r\n' +
        "'=cmd()|x,2026-10-01T00:00:00.000Z,5,5\r\n" +
        'sk_l…9f2a,2026-10-01T00:00:00.000Z,1700,0\r\n',
    )
  })

  test('groups by three dimensions', async () => {
    const columns = ['--columns', 'keyLabel,method,endpoint,status,requestCount']
    expect((await run('--by', 'key,endpoint,status', '--month', '2026-10', ...columns)).stdout).toBe(
      'keyLabel,method,endpoint,status,requestCount\r\n' +
        "'=cmd()|x,GET,/users/:id,401,5\r\n" +
        'sk_l…9f2a,GET,/users/:id,200,1200\r\n' +
        'sk_l…9f2a,POST,/orders,201,500\r\n',
    )
  })

  test('puts another separator between cells, and quotes what has it', async () => {
    const args = ['--by', 'key', '--columns', 'keyLabel,keyName,requestCount', '--csv-separator']
    expect((await run(...args, ';')).stdout).toBe(
      'keyLabel;keyName;requestCount\r\n\'=cmd()|x;\'\'quoted;5\r\nsk_l…9f2a;"Mobile, ""app""";1700\r\n',
    )
    expect((await run(...args, 'tab')).stdout).toContain('keyLabel\tkeyName\trequestCount\r\n')
  })

  test('says so when the month is not over, and not in the data', async () => {
    const month = new Date().toISOString().slice(0, 7)
    const { code, stdout, stderr } = await run('--month', month, '--by', 'key')
    expect({ code, data: stdout.includes('not over') }).toEqual({ code: 0, data: false })
    expect(stderr).toMatch(/^Note: \w+ is not over: figures to \d+ \w+ \d\d:\d\d\.\n$/)
  })

  test('writes a file that replaces an old one only when it is complete', async () => {
    const out = join(folder, 'usage.csv')
    await writeFile(out, 'old')
    expect(await run('--out', out)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await readFile(out, 'utf8')).toBe(CSV)
    expect((await run('--out', out, '--by', 'key', '--columns', 'nothing')).code).toBe(2)
    expect(await readFile(out, 'utf8')).toBe(CSV)
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('compresses, the same bytes each time', async () => {
    const [first, second] = [join(folder, 'a.gz'), join(folder, 'b.gz')]
    await run('--gzip', '--out', first)
    await run('--gzip', '--out', second)
    expect(gunzipSync(await readFile(first)).toString()).toBe(CSV)
    expect(await readFile(first)).toEqual(await readFile(second))
  })

  test('gives the same file for a closed month whatever comes after it', async () => {
    const october = ['--month', '2026-10', '--tz', 'Europe/Berlin']
    const before = [await run(...october), await run(...october, '--by', 'key,day', '--format', 'ndjson')]
    await storeUsage(env['DATABASE_URL']!, [
      { key: acme, bucket: '2026-10-31T23:00Z', endpoint: '/november/in/berlin', requests: 7 },
      { key: testKey(3, 'new'), bucket: '2026-11-02T10:00Z', requests: 9 },
    ])
    expect([await run(...october), await run(...october, '--by', 'key,day', '--format', 'ndjson')]).toEqual(
      before,
    )
    expect((await run('--since', '2026-10-01')).stdout).not.toBe(CSV)
    expect(before[0]!.stdout).toContain('bucket,bucketLocal,bucketMinutes')
    expect(before[0]!.stdout).toContain(',2026-10-12T10:00:00.000Z,2026-10-12 12:00,1,')
    expect(before[1]!.stdout).toContain('"day":"2026-10-11T22:00:00.000Z","dayLocal":"2026-10-12"')
  })

  test('gives the head alone, or an empty list, when nothing matches', async () => {
    expect((await run('--since', '2027-01-01')).stdout).toBe(HEAD)
    expect(JSON.parse((await run('--since', '2027-01-01', '--format', 'json')).stdout)).toEqual([])
    expect((await run('--since', '2027-01-01', '--format', 'ndjson')).stdout).toBe('')
  })

  test.each([
    [['--out', '/'], 2, '/ is a directory. Pass the name of a file to --out.'],
    [['--out', '/nowhere/usage.csv'], 1, 'Cannot write /nowhere/usage.csv (ENOENT). Check --out'],
    [['--columns', 'endpint'], 2, 'There is no column "endpint". Did you mean endpoint?'],
    [['--format', 'xlsx'], 2, 'Expected --format=xlsx to be one of: csv, json, ndjson, parquet.'],
    [['--key', 'nobody'], 2, 'There is no key "nobody".'],
  ])('refuses %j in one line', async (args, expected, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^Error: [^\n]*\n$/)
  })
})

forEachDatabase('export of many rows', (_kind, makeUrl) => {
  test('ends well when the reader goes away in the middle, and gives every row once', async () => {
    const env = { DATABASE_URL: await makeUrl() }
    const rows = Array.from({ length: 6000 }, (_, index) => ({
      key: acme,
      bucket: '2026-10-01T10:00Z',
      endpoint: `/${index}/${'long'.repeat(50)}`,
      requests: 1,
    }))
    await storeUsage(env.DATABASE_URL, rows)

    const child = startCli(['export'], { env })
    await once(child.stdout!, 'data')
    child.stdout!.destroy()
    expect(await once(child, 'close')).toEqual([0, null])

    const all = (await runCli(['export'], { env })).stdout.split('\r\n')
    expect(all).toHaveLength(6002)
    expect(new Set(all).size).toBe(6002)
  })
})
