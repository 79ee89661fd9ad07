import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { read } from 'hucre'
import { readFile } from 'node:fs/promises'
import type { Operation } from '../../src/index.ts'
import { startAnalytics } from '../../src/analytics.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { startOf } from '../../src/time/calendar.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { targetOf } from '../../src/options/database-target.ts'
import { readRoutes } from '../../src/dashboard/read-routes.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { startCounting } from '../support/usage/counting-process.ts'

const DAY_MS = 86_400_000
const NOW = Date.now()
const ACME = testKey(1, 'key_1', { owner: 'Acme' })
const OTHER = testKey(2, 'key_2', { name: 'Nobody’s' })
const ROUTES: readonly Operation[] = [
  { endpoint: '/a', method: 'GET' },
  { endpoint: '/old', method: 'GET' },
  { endpoint: '/old', method: 'POST' },
  { endpoint: '/stopped', method: 'GET' },
  { endpoint: '=evil()', method: 'GET' },
].toSorted((a, b) => (a.endpoint < b.endpoint ? -1 : Number(a.endpoint > b.endpoint)))

/** Start of an hour some days ago. */
const hourOf = (daysAgo: number) => startOf('hour', new Date(NOW - daysAgo * DAY_MS), 'UTC')
const dayOf = (daysAgo: number) => hourOf(daysAgo).toISOString().slice(0, 10)

forEachDatabase('routes on the command line', (_kind, makeUrl) => {
  let env: Record<string, string>
  let folder: string
  const run = (...args: string[]) => runCli(args, { env })
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout)

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-routes-'))
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: folder }
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** An app that has run for 200 days, and got one route three days ago. */
  async function runApp() {
    const url = env['DATABASE_URL']!
    const store = new DatabaseStore({ url, pepperCheck: '' })
    for (let daysAgo = 200; daysAgo >= 0; daysAgo -= 20)
      await store.registerRoutes({
        routes: ROUTES,
        release: `1.${200 - daysAgo}`,
        at: NOW - daysAgo * DAY_MS,
      })
    const young = { routes: [{ endpoint: '/young', method: 'GET' }], release: '1.200', at: NOW - 3 * DAY_MS }
    await store.registerRoutes(young)
    await store.registerRoutes({ ...young, at: NOW })
    await store.close()
    await storeUsage(url, [
      { key: ACME, bucket: hourOf(150).toISOString(), endpoint: '/stopped', requests: 3 },
      { key: ACME, bucket: hourOf(40).toISOString(), endpoint: '/old', requests: 4 },
      { key: OTHER, bucket: hourOf(40).toISOString(), endpoint: '/old', requests: 5 },
      { key: ACME, bucket: hourOf(5).toISOString(), endpoint: '/old', requests: 8 },
      { key: OTHER, bucket: hourOf(5).toISOString(), endpoint: '/a', requests: 1 },
    ])
  }

  test('without a request are reported in every format', async () => {
    await runApp()
    const { code, stdout, stderr } = await run('report', '--unused', '90d')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^Routes without a request in 90 days · \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d 00:00 UTC, complete until /,
    )
    expect(stdout).toContain('No key has called 3 of 6 routes (release 1.200).')
    const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    const stopped = hourOf(150).toISOString().slice(0, 16).replace('T', ' ')
    for (const line of [
      ['GET =evil()', 'never since registered', dayOf(200), '1.0 to 1.200'],
      ['POST /old', 'never since registered', dayOf(200), '1.0 to 1.200'],
      ['GET /stopped', stopped, dayOf(200), '1.0 to 1.200'],
      ['GET /young', 'not yet', '3 days ago', '1.200'],
    ])
      expect(lines).toContainEqual(line)
    const found = await json('report', '--unused', '90d')
    expect(found).toMatchObject({ report: 'unused', days: 90, routeCount: 6, unusedCount: 4, notes: [] })
    expect(
      found.routes.map((route: Operation & { state: string }) => `${route.endpoint} ${route.state}`),
    ).toEqual(['/old never', '=evil() never', '/stopped stopped', '/young new'])
    const csv = (await run('report', '--unused', '90d', '--format', 'csv', '--csv-separator', ';')).stdout
    expect(csv.split('\r\n')[0]).toMatch(/^state;method;endpoint;firstRegisteredAt;/)
    expect(csv).toContain(`\r\nnever;GET;'=evil();`)
    const markdown = (await run('report', '--unused', '90d', '--format', 'markdown', '--limit', '1')).stdout
    expect(markdown).toContain('| POST /old | never since registered |')
    expect(markdown).toContain('2 more: use a higher --limit, or 0 to see all.')
    const file = join(folder, 'unused.xlsx')
    await run('report', '--unused', '90d', '--format', 'xlsx', '--out', file)
    const [sheet] = (await read(await readFile(file))).sheets
    expect(sheet!.rows.map((row) => row.slice(0, 3))).toEqual([
      ['state', 'method', 'endpoint'],
      ['never', 'POST', '/old'],
      ['never', 'GET', '=evil()'],
      ['stopped', 'GET', '/stopped'],
      ['new', 'GET', '/young'],
    ])
    // 26 weeks reach back to the last request
    expect((await json('report', '--unused', '26w')).routes).toHaveLength(3)
    expect((await run('routes', 'list')).stdout).toContain('6 routes of the running releases')
  })

  test('are not judged by days from which counts wait on this machine', async () => {
    await runApp()
    const analytics = startAnalytics(
      { database: env['DATABASE_URL']!, dataDir: env['APIKEY_ANALYTICS_DIR']!, flushIntervalMs: 3_600_000 },
      () => NOW - 10 * DAY_MS,
    )
    await analytics.flush()
    analytics.addEndpointAccess({ id: 'key_1' }, 'POST /old')
    const found = await run('report', '--unused', '90d')
    expect(found.stdout).toContain(` to ${dayOf(10)} 00:00 UTC, complete until ${dayOf(10)} `)
    expect(found.stdout).toContain('1 request in ')
    await analytics.close()
    expect((await run('report', '--unused', '90d')).stdout).toContain(` to ${dayOf(0)} 00:00 UTC`)
  })

  test('are explained where there is nothing to judge', async () => {
    expect((await run('report', '--unused', '90d')).stdout).toContain(
      'No routes are registered. Give your routers',
    )
    expect((await run('routes', 'list')).stdout).toContain('No routes are registered. Give your routers')
    const store = new DatabaseStore({ url: env['DATABASE_URL']!, pepperCheck: '' })
    await store.registerRoutes({ routes: ROUTES, release: null, at: NOW })
    await store.close()
    const { stdout } = await run('report', '--unused', '90d')
    expect(stdout).toContain('nothing was delivered yet')
    expect(stdout).toContain('Nothing can be said: no count was delivered yet.')
    expect((await run('report', '--deprecated')).stdout).toContain('No routes are deprecated.')
  })

  test('are not judged by days whose counts wait on this machine, on the dashboard neither', async () => {
    await runApp()
    const [url, dataDir] = [env['DATABASE_URL']!, env['APIKEY_ANALYTICS_DIR']!]
    const store = new DatabaseStore({ url, pepperCheck: '' })
    const target = targetOf(describeDatabaseUrl(url), dataDir)
    const app = startCounting({ dataDir, store, target, now: () => hourOf(2).getTime() })
    app.count('late')
    app.crash()
    await store.close()
    const { completeUntil } = await json('report', '--unused', '90d')
    expect(completeUntil).toBe(hourOf(2).toISOString())
    const db = await openDatabase(url)
    expect(await readRoutes(db, {}, dataDir)).toMatchObject({ completeUntil: hourOf(2) })
    await db.close()
  })

  test('are deprecated, changed, and taken back', async () => {
    await runApp()
    const deprecated = await run(
      'routes',
      'deprecate',
      'get /old',
      '--since',
      '2026-01-01',
      '--sunset',
      '2099-01-01',
    )
    expect(deprecated).toMatchObject({ code: 0, stderr: '' })
    expect(deprecated.stdout).toMatch(
      /^GET \/old is deprecated from 2026-01-01 00:00 UTC on, sunset 2099-01-01 00:00, in [\d,]+ days\.\n$/,
    )
    const linked = await run('routes', 'deprecate', 'GET /old', '--link', 'https://example.com/v2')
    expect(linked.stdout).toMatch(
      /from 2026-01-01 00:00 UTC on, sunset 2099-.*; see https:\/\/example\.com\/v2\.\n$/,
    )
    const soon = new Date(Date.now() + 3_600_000).toISOString().slice(0, 16)
    expect((await run('routes', 'deprecate', '/a', '--sunset', soon)).stdout).toMatch(/, today\.\n$/)
    await run('routes', 'undeprecate', '/a')
    expect((await json('routes', 'deprecate', '/stopped')).routes).toMatchObject([
      { method: 'GET', sunsetAt: null },
    ])
    expect((await run('routes', 'deprecate', '/old')).stdout.split('\n')).toHaveLength(3)
    const csv = (await run('routes', 'list', '--format', 'csv')).stdout
    expect(csv).toContain(
      ',2026-01-01T00:00:00.000Z,2099-01-01T00:00:00.000Z,https://example.com/v2,true\r\n',
    )
    expect((await json('routes', 'list')).routes).toHaveLength(6)
    expect((await run('routes', 'undeprecate', '/old')).stdout).toBe(
      'GET /old is not deprecated any more.\nPOST /old is not deprecated any more.\n',
    )
  })

  test('that are deprecated are reported with their callers, in every format', async () => {
    await runApp()
    for (const route of ['GET /old', 'GET /stopped'])
      await run('routes', 'deprecate', route, '--since', '2026-01-01', '--sunset', '2099-01-01')
    const { stdout, stderr } = await run('report', '--deprecated')
    expect(stderr).toBe('')
    expect(stdout).toContain('1 of 2 deprecated routes are still called.')
    const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    const time = hourOf(5).toISOString().slice(0, 16).replace('T', ' ')
    expect(lines).toContainEqual([
      'GET /old',
      'Acme',
      '8',
      '4',
      '+100.0%',
      time,
      expect.stringMatching(/^2099-01-01 \(/),
    ])
    expect(lines.find(([, who]) => who === 'Nobody’s (key_2)')?.slice(2, 5)).toEqual(['0', '5', '-100.0%'])
    expect(lines.find(([, who]) => who === '(nobody)')?.slice(0, 3)).toEqual([
      'GET /stopped',
      '(nobody)',
      '0',
    ])
    const found = await json('report', '--deprecated')
    expect(found).toMatchObject({
      report: 'deprecated',
      routes: [
        {
          endpoint: '/old',
          requests: 8,
          previousRequests: 9,
          callerCount: 2,
          callers: [
            { owner: 'Acme', key: null, requests: 8, previousRequests: 4, change: 1 },
            { owner: null, key: { label: 'key_2' }, requests: 0, previousRequests: 5, change: -1 },
          ],
        },
        { endpoint: '/stopped', requests: 0, callers: [] },
      ],
    })
    const csv = (await run('report', '--deprecated', '--format', 'csv')).stdout.split('\r\n')
    expect(csv[0]).toBe(
      'method,endpoint,deprecatedAt,sunsetAt,daysUntilSunset,owner,keyId,keyLabel,keyName,requests,previousRequests,change,lastUsed',
    )
    expect(csv[1]).toMatch(
      /^GET,\/old,2026-01-01T00:00:00\.000Z,2099-01-01T00:00:00\.000Z,\d+,Acme,,,,8,4,1,/,
    )
    const markdown = (await run('report', '--deprecated', '--format', 'markdown', '--limit', '1')).stdout
    expect(markdown).toContain('| GET /old | Acme | 8 | 4 | +100.0% |')
    expect(markdown).toContain('1 more callers: use a higher --limit, or 0 to see all.')
    // of a month without history before it nothing is compared
    const since = hourOf(149).toISOString().slice(0, 10)
    const whole = await run('report', '--deprecated', '--since', since)
    expect(whole.stdout).toContain('history begins on')
    const file = join(folder, 'deprecated.xlsx')
    await run('report', '--deprecated', '--format', 'xlsx', '--out', file)
    const [sheet] = (await read(await readFile(file))).sheets
    expect(sheet!.rows).toHaveLength(4)
  })

  test('that cannot be read or found are refused', async () => {
    await runApp()
    for (const [args, message] of [
      [['report', '--unused', '24h'], 'Cannot read "24h" as a number of whole days. Use --unused 90d or 12w'],
      [['report', '--unused', '0d'], 'Cannot read "0d"'],
      [['report', '--unused', '9999w'], 'Cannot read "9999w"'],
      [['report', '--unused', '9d', '--deprecated'], '--unused and --deprecated are two reports'],
      [['report', '--unused', '9d', '--since', '3d'], '--unused counts whole UTC days'],
      [['report', '--unused', '9d', '--tz', 'Europe/Berlin'], 'leave --tz out'],
      [['report', '--deprecated', '--by', 'key'], '--deprecated is a report of its own: leave --by out.'],
      [['report', '--deprecated', '--until', '2026-01-01'], '--deprecated needs a period with a start'],
      [['routes', 'deprecate', 'GET /olt'], 'No app has registered GET /olt, and no key has called it.'],
      [['routes', 'deprecate', '/olt'], 'There is no route /olt. Did you mean /old?'],
      [['routes', 'deprecate', 'PUT /old'], 'There is no route PUT /old.'],
      [
        ['routes', 'deprecate', 'GET /old', '--sunset', '90d'],
        'Cannot read "90d" as a date. Use --sunset 2027-01-01',
      ],
      [['routes', 'deprecate', 'GET /old', '--sunset', '2020-01-01'], 'is before the deprecation'],
      [['routes', 'undeprecate', 'GET /old'], 'GET /old is not deprecated.'],
    ] as const) {
      const { code, stdout, stderr } = await run(...args)
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
      expect(stderr).toContain(message)
    }
  })
})
