import { beforeAll, expect, test } from 'vitest'
import { binOf } from '../../src/model/duration-bins.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { HOUR, keyIdOf, makeBatch } from '../support/usage/make-batch.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const binsOf = (...counts: [us: number, requests: number][]) =>
  counts.flatMap(([us, requests]) => [binOf(us), requests])

/** 100 requests of 10 ms to /fast; of /slow 90 take 200 ms and 10 take 3 s. */
const ROWS = [
  {
    key: 'a',
    endpoint: '/fast',
    requestCount: 100,
    durationUs: 1_000_000,
    durationBins: binsOf([10_000, 100]),
  },
  {
    key: 'b',
    endpoint: '/slow',
    requestCount: 100,
    durationUs: 48_000_000,
    durationBins: binsOf([200_000, 90], [3_000_000, 10]),
  },
]
const MONTH = ['--since', '2026-11-01', '--until', '2026-11-24']

const within = (value: number, expected: number) => expect(Math.abs(value / expected - 1)).toBeLessThan(0.1)

forEachDatabase('durations', (_kind, makeUrl) => {
  let url: string
  const run = (...args: string[]) =>
    runCli(args, { env: { DATABASE_URL: url, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR } })
  const json = async (...args: string[]) =>
    JSON.parse((await run('report', ...MONTH, '--latency', '--json', ...args)).stdout)

  beforeAll(async () => {
    url = await makeUrl()
    const store = new DatabaseStore({ url, pepperCheck: '' })
    await store.recordBatch(makeBatch({ rows: ROWS }))
    await store.close()
  })

  test('are told per group and in all, to within 10 %', async () => {
    const report = await json('--by', 'endpoint')
    const [fast, slow] = report.sections[0].groups
    expect(fast).toMatchObject({ endpoint: '/fast', meanDurationMs: 10, measured: 100 })
    for (const name of ['p50Ms', 'p95Ms', 'p99Ms']) within(fast[name], 10)
    expect(slow).toMatchObject({ endpoint: '/slow', meanDurationMs: 480, measured: 100 })
    within(slow.p50Ms, 200)
    within(slow.p95Ms, 3000)
    expect(report.total).toMatchObject({ measured: 200, meanDurationMs: 245 })
    within(report.total.p50Ms, 10)
    within(report.total.p95Ms, 200)
    within(report.total.p99Ms, 3000)
    expect(report.notes).toEqual([])
  })

  test('are in the table and the CSV only when asked for, the slowest first with --sort p95', async () => {
    const { stdout } = await run('report', ...MONTH, '--by', 'endpoint', '--latency', '--sort', 'p95')
    expect(stdout).toMatch(/^Endpoint +Requests +Share +Errors +Mean +p50 +p95 +p99 /m)
    expect(stdout.indexOf('\nGET /slow')).toBeLessThan(stdout.indexOf('\nGET /fast'))
    expect(stdout).toMatch(/^GET \/fast +100 +50\.0% +0\.0% +10 ms +1\d ms +1\d ms +1\d ms /m)
    expect(stdout).toMatch(/^Total of 2 endpoints .* 245 ms /m)
    const plain = await run('report', ...MONTH, '--by', 'endpoint')
    expect(plain.stdout).not.toContain('p95')
    const csv = await run('report', ...MONTH, '--by', 'endpoint', '--latency', '--format', 'csv')
    expect(csv.stdout.split('\r\n')[0]).toMatch(/,lastUsed,measured,p50Ms,p95Ms,p99Ms$/)
    expect(await run('report', ...MONTH, '--latency')).toMatchObject({
      stdout: expect.stringMatching(/^mean 245 ms · p50 \d+ ms · p95 \d+ ms · p99 \d\.\d s$/m),
    })
  })

  test.each([
    [['--sort', 'p95'], '--sort p95 needs --latency'],
    [['--latency', '--by', 'key,status'], 'A table of two dimensions has one number per cell'],
    [['--latency', '--billable', '2xx', '--month', '2026-11'], 'Invoice lines have no durations'],
  ])('%j is refused, for they would not be seen', async (args, message) => {
    expect(await run('report', ...MONTH, ...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    })
  })

  test('are exported per row and per group, when asked for or named as columns', async () => {
    const named = ['--columns', 'endpoint,requestCount,measuredCount']
    const rows = await run('export', ...MONTH, ...named)
    const [names, ...lines] = rows.stdout.trim().split('\r\n')
    expect(names).toBe('endpoint,requestCount,measuredCount')
    expect(lines.sort()).toEqual(['/fast,100,100', '/slow,100,100'])
    const groups = JSON.parse(
      (await run('export', ...MONTH, '--by', 'method', '--columns', 'p50Us,p99Us', '--format', 'json'))
        .stdout,
    )
    within(groups[0].p50Us, 10_000)
    within(groups[0].p99Us, 3_000_000)
    const head = async (...args: string[]) => (await run('export', ...args)).stdout.split('\r\n')[0]
    expect(await head(...named, '--latency')).toBe('endpoint,requestCount,measuredCount,p50Us,p95Us,p99Us')
    expect(await head()).toMatch(/,requestCount,durationUs$/)
    expect(await head('--latency')).toMatch(/,durationUs,measuredCount,p50Us,p95Us,p99Us$/)
    expect(await head('--by', 'key', '--latency')).toMatch(/,lastBucket,measuredCount,p50Us,p95Us,p99Us$/)
  })

  test('that nobody measured are named, and are in no quantile', async () => {
    const db = await openDatabase(url)
    await db.query(
      `insert into api_key_analytics (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count,
  duration_first_bin, duration_bins)
values ($1, ${db.dialect.timeOf('$2')}, 60, '/old', 'GET', 200, 7, 0, ${db.dialect.histogram.fromJson("'[7]'")})`,
      [keyIdOf('a'), HOUR],
    )
    await db.close()
    const old = await run('export', '--endpoint', '/old', '--columns', 'requestCount,measuredCount,p95Us')
    expect(old.stdout.split('\r\n')[1]).toBe('7,,')
    const report = await json('--endpoint', '/old')
    expect(report.total).toMatchObject({ requests: 7, measured: 0, p50Ms: null, p95Ms: null, p99Ms: null })
    const all = await json('--by', 'endpoint')
    expect(all.total).toMatchObject({ requests: 207, measured: 200 })
    within(all.total.p50Ms, 10)
    expect(all.notes).toEqual([
      'The duration of 7 of 207 requests was not measured: p50, p95 and p99 are those of the others.',
    ])
  })

  test('that do not sum up to the requests of their row make verify fail', async () => {
    const db = await openDatabase(url)
    await db.query("update api_key_analytics set request_count = request_count + 1 where endpoint = '/slow'")
    await db.query("delete from api_key_analytics where endpoint = '/old'")
    await db.query('update api_key_analytics_ledger set request_count = request_count + 1')
    await db.close()
    expect(await run('verify')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        'NOT OK: 1 row has durations of more or fewer requests than it counts.',
      ),
    })
    expect(JSON.parse((await run('verify', '--json')).stdout)).toMatchObject({
      accountedFor: false,
      balanced: true,
      wrongHistograms: 1,
    })
  })
})
