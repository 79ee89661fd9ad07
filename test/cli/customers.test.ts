import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { targetOf } from '../../src/options/database-target.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { startCounting } from '../support/usage/counting-process.ts'

const PERIOD = ['--month', '2026-01']
const mobile = (owner: string) => testKey(1, 'key_1', { name: 'Mobile app', owner })
const ROWS = [
  { key: mobile('Acme'), bucket: '2026-01-01T10:00Z', requests: 100 },
  { key: testKey(2, 'key_2', { owner: 'Acme' }), bucket: '2026-01-02T10:00Z', requests: 50, status: 500 },
  { key: testKey(3, 'key_3', { owner: 'Hooli' }), bucket: '2026-01-02T11:00Z', requests: 40 },
  { key: testKey(4, 'key_4'), bucket: '2026-01-03T10:00Z', requests: 10 },
  // handed over in mid-month
  { key: mobile('Hooli'), bucket: '2026-01-16T08:00Z', requests: 300 },
]

forEachDatabase('customers', (_kind, makeUrl) => {
  let env: Record<string, string>
  const run = (...args: string[]) => runCli(args, { env })
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout)
  const customers = async () => {
    const { customers } = await json('customers', 'list', ...PERIOD)
    return customers.map(({ owner, keys, requests }: Record<string, unknown>) => [owner, keys, requests])
  }

  beforeEach(async () => {
    env = { DATABASE_URL: await makeUrl() }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })

  test('are listed with keys, requests, share, errors, last use and trend of their own time', async () => {
    const found = await json('customers', 'list', ...PERIOD)
    expect(found).toMatchObject({ customerCount: 3, total: { requests: 500 }, period: { timeZone: 'UTC' } })
    expect(found.customers).toMatchObject([
      { owner: 'Hooli', keys: 2, requests: 340, share: 0.68, errorRate: 0 },
      { owner: 'Acme', keys: 2, requests: 150, errorRate: 1 / 3, lastUsed: '2026-01-02T10:00:00.000Z' },
      { owner: null, keys: 1, requests: 10 },
    ])
    expect(found.customers[1].trend.slice(0, 3)).toEqual([100, 50, 0])
    const { stdout, stderr, code } = await run('customers', 'list', ...PERIOD, '--sort', 'group')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Customers · 2026-01-01 /)
    expect(stdout).toMatch(/Acme +2 +150 +30\.0% +33\.3% .*\n.*Hooli +2 +340 .*\n.*\(none\) +1 +10 /)
    expect(stdout).toMatch(/Total of 3 +│? *500|Total of 3 .*500/)
  })

  test.each([
    ['csv', /^owner,keys,requests,share,errorRate,firstUsed,lastUsed\r\nHooli,2,340,0\.68,0,2026-01-02T11/],
    ['json', /"owner": "Hooli",\n +"keys": 2/],
    ['markdown', /^## Customers\n\n- Period: [^]*\| Hooli \| 2 \| 340 \|/],
  ])('are written as %s', async (format, expected) => {
    const { stdout, code } = await run('customers', 'list', ...PERIOD, '--format', format)
    expect(stdout).toMatch(expected)
    expect(code).toBe(0)
  })

  test('are cut by --limit, which says so, and totals stay those of all', async () => {
    const { stdout } = await run('customers', 'list', ...PERIOD, '--limit', '1')
    expect(stdout).toContain('2 more')
    expect(stdout).not.toContain('Acme')
    expect(stdout).toMatch(/Total of 3 .*500/)
  })

  test('come first in a report, and each has an overview of its own', async () => {
    const overview = await run('report', ...PERIOD)
    expect(overview.stdout).toMatch(/Top customers\n[^]*Hooli[^]*Top keys\n[^]*Top endpoints\n/)
    const { sections, activeKeys, total } = await json('report', ...PERIOD, '--owner', 'Acme')
    expect({ activeKeys, requests: total.requests }).toEqual({ activeKeys: 2, requests: 150 })
    expect(sections.map(({ by }: { by: string[] }) => by.join())).toEqual([
      'key',
      'method,endpoint',
      'status',
    ])
    const { stdout } = await run('report', ...PERIOD, '--owner', 'Acme')
    expect(stdout).toMatch(/^Usage of customer Acme · [^]*Top keys\n[^]*Top endpoints\n[^]*Statuses\n/)
  })

  test('have the figures of their endpoints that a report of a key has', async () => {
    const key = testKey(5, 'key_5', { owner: 'Initech' })
    await storeUsage(
      env['DATABASE_URL']!,
      Array.from({ length: 25 }, (_, index) => ({
        key,
        bucket: `2026-01-${10 + (index % 9)}T10:00Z`,
        endpoint: `/${index}`,
        status: [200, 404, 500][index % 3]!,
        requests: 1 + index,
      })),
    )
    const linesOf = (text: string) => text.split('\n').filter((line) => /^(Endpoint|GET) /.test(line))
    const ofKey = linesOf((await run('report', ...PERIOD, '--key', 'key_5')).stdout)
    expect(ofKey).toHaveLength(21)
    expect(ofKey[0]).toMatch(/Requests +Share +Errors +4xx +5xx +First use +Last use +Trend/)
    expect(linesOf((await run('report', ...PERIOD, '--owner', 'Initech')).stdout)).toEqual(ofKey)
    const [, { groups }] = (await json('report', ...PERIOD, '--owner', 'Initech')).sections
    expect(groups).toEqual((await json('report', ...PERIOD, '--key', 'key_5')).sections[0].groups)
  })

  test('are told when history begins, where there is none of theirs', async () => {
    const { stdout } = await run('report', '--owner', 'Acme', '--month', '2025-12')
    expect(stdout).toContain('Note: History begins on 1 January 2026: try another --since or --month.')
  })

  test('are told of the filter or the period where that is why there is nothing', async () => {
    const notesOf = async (...args: string[]) => (await json('report', ...args)).notes
    expect(await notesOf('--owner', 'Acme', '--status', '418', ...PERIOD)).toEqual([
      'No requests of this period match the filters.',
    ])
    expect(await notesOf('--month', '2099-01')).toEqual(['January 2099 has not begun.'])
    expect(await notesOf('--since', '2026-02-20', '--until', '2026-02-21')).toEqual([])
  })

  test('are not listed in a report where nobody has an owner', async () => {
    const url = await makeUrl()
    await storeUsage(url, [{ key: testKey(4, 'key_4'), bucket: '2026-01-03T10:00Z', requests: 10 }])
    const { stdout } = await run('report', ...PERIOD, '--database', url)
    expect(stdout).toContain('Top keys')
    expect(stdout).not.toContain('Top customers')
  })

  test('are billed for the time in which a key was theirs', async () => {
    const lines = async (owner: string) => {
      const args = ['report', '--billable', '2xx', ...PERIOD, '--owner', owner, '--format', 'csv']
      return (await run(...args)).stdout.split('\r\n').slice(1, -1)
    }
    expect(await lines('Acme')).toEqual([expect.stringMatching(/Mobile app,Acme,.*\b100\b/)])
    expect(await lines('Hooli')).toEqual([
      expect.stringMatching(/Mobile app,Hooli,.*\b300\b/),
      expect.stringMatching(/key_3,.*Hooli,.*\b40\b/),
    ])
  })

  test('get a key from the day that keys name says, in the time zone that it says', async () => {
    const named = await run(
      'keys',
      'name',
      'Mobile app',
      '--owner',
      'Initech',
      '--from',
      '2026-01-10',
      '--tz',
      'Europe/Berlin',
    )
    expect(named).toMatchObject({ code: 0, stdout: expect.stringContaining('owner Initech') })
    expect(await customers()).toEqual([
      ['Initech', 1, 300],
      ['Acme', 2, 150],
      ['Hooli', 1, 40],
      [null, 1, 10],
    ])
    const { owners } = await json('keys', 'owners', 'Mobile app')
    expect(owners).toEqual([
      { since: null, until: '2026-01-09T23:00:00.000Z', owner: 'Acme', setBy: 'app' },
      { since: '2026-01-09T23:00:00.000Z', until: null, owner: 'Initech', setBy: 'person' },
    ])
    const { stdout } = await run('keys', 'owners', 'Mobile app')
    expect(stdout).toMatch(/Owners of Mobile app \(key_1\)[^]*2026-01-09 23:00 .*Initech +│? *person/)
  })

  test.each([
    [['keys', 'name', 'key_3', '--from', '2026-01-10', '--name', 'x']],
    [['keys', 'name', 'key_3', '--owner', 'x', '--from', 'sometime']],
    [['keys', 'name', 'key_3', '--owner', 'x', '--from', '2126-01-01']],
    [['keys', 'name', 'key_3', '--owner', 'x', '--from', '2026-01-10', '--until', '2026-01-01']],
    [['keys', 'forget', '--yes']],
    [['keys', 'forget', 'key_3', '--owner', 'Acme', '--yes']],
    [['keys', 'forget', '--owner', 'Acne', '--yes']],
    [['customers', 'rename', 'Acne', 'x']],
    [['customers', 'rename', 'Acme', '']],
    [['customers', 'list', '--month', '2026-13']],
  ])('refuses %j with exit code 2', async (args) => {
    expect(await run(...args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^Error: /),
    })
    expect(await customers()).toHaveLength(3)
  })

  test('get another name in the past too', async () => {
    expect((await run('customers', 'rename', 'Hooli', 'Hooli XYZ')).stdout).toBe(
      'Hooli is Hooli XYZ now, with 2 keys.\n',
    )
    expect(await customers()).toContainEqual(['Hooli XYZ', 2, 340])
    const { code, stderr } = await run('report', '--owner', 'Hooli', ...PERIOD)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('Did you mean Hooli XYZ?') })
  })

  test('get another name before they have a key: their quotas keep it', async () => {
    const db = await openDatabase(env['DATABASE_URL']!)
    await setQuota(db, { owner: 'Newco', unit: 'requests', per: 'month', limit: 10 })
    await db.close()
    expect(await run('customers', 'rename', 'Newco', 'Newco Ltd')).toMatchObject({
      code: 0,
      stdout: 'Newco is Newco Ltd now, with its quotas and alerts.\n',
    })
    expect((await json('quotas', 'list')).quotas).toMatchObject([{ owner: 'Newco Ltd' }])
    expect(await run('customers', 'rename', 'Newco', 'x')).toMatchObject({ code: 2, stdout: '' })
  })

  test('are listed with notes that cannot draw on a terminal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-\u001B[2J-'))
    await leaveCounts(folder)
    const { stdout } = await runCli(['customers', 'list'], { env: { ...env, APIKEY_ANALYTICS_DIR: folder } })
    expect(stdout).toContain('Note: 1 request in ')
    expect(stdout).not.toContain('\u001B[2J')
    rmSync(folder, { recursive: true })
  })

  /** Counts of a process that died, for the database of this test. */
  async function leaveCounts(dataDir: string): Promise<void> {
    const url = env['DATABASE_URL']!
    const store = new DatabaseStore({ url, pepperCheck: '' })
    const app = startCounting({
      dataDir,
      store,
      target: targetOf(describeDatabaseUrl(url), dataDir),
      now: Date.now,
    })
    app.count('late')
    app.crash()
    await store.close()
  }

  test('are forgotten when told to, and all is accounted for', async () => {
    const { stdout, stderr } = await run('keys', 'forget', '--owner', 'Acme', '--yes')
    expect(stderr).toBe(
      'Acme, with 2 keys, has 150 requests from 2026-01-01 10:00 to 2026-01-02 10:00 (UTC).\n',
    )
    expect(stdout).toBe('Forgot Acme: 2 rows with 150 requests.\n')
    expect(await customers()).toEqual([
      ['Hooli', 2, 340],
      [null, 1, 10],
    ])
    expect((await run('verify')).code).toBe(0)
  })

  test('are anonymised with their counts kept', async () => {
    const { forgotten } = await json('keys', 'forget', '--owner', 'Acme', '--anonymise', '--yes')
    expect(forgotten).toMatchObject({ keys: 2, rows: 2, requests: 150 })
    expect(await customers()).toEqual([
      ['Hooli', 2, 340],
      [forgotten.pseudonym, 2, 150],
      [null, 1, 10],
    ])
    const { stdout } = await run('export')
    expect(stdout).not.toContain('Acme')
    expect(stdout).not.toContain('key_2')
    expect((await run('verify')).code).toBe(0)
  })

  test('keeps the counts of one key that is anonymised', async () => {
    const { code } = await run('keys', 'forget', 'key_3', '--anonymise', '--yes')
    expect(code).toBe(0)
    expect((await run('keys', 'list')).stdout).not.toContain('key_3')
    expect(await customers()).toContainEqual([expect.stringMatching(/^\(anonymous [0-9a-f]{8}\)$/), 1, 40])
  })
})
