import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { keyIdOfSecret } from '../../src/model/compute-key-id.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { runBin, startCli } from '../support/cli/start-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile app', owner: 'acme' })
const partner = testKey(2, 'part…77aa', { name: '漢字株式会社', owner: '漢字' })
const evil = testKey(3, '\x1b[2Jevil\u202e|', { owner: '=cmd()' })
const secret = 'a-secret-of-some-length-1234'
const bySecret = { ...testKey(0, 'a-se…1234'), id: keyIdOfSecret(secret, undefined) }
const ROWS = [
  { key: acme, bucket: '2026-08-31T10:00Z', requests: 1 },
  { key: acme, bucket: '2026-09-15T10:00Z', requests: 1000 },
  { key: acme, bucket: '2026-10-01T10:00Z', requests: 1200 },
  { key: acme, bucket: '2026-10-25T01:00Z', status: 404, requests: 34 },
  { key: acme, bucket: '2026-10-31T23:00Z', method: 'POST', endpoint: '/orders', status: 201, requests: 500 },
  { key: partner, bucket: '2026-10-12T10:00Z', endpoint: '/orders', status: 500, requests: 66 },
  {
    key: evil,
    bucket: '2026-10-12T10:00Z',
    endpoint: '/a|b/:very/:long/:path/:that/:goes/:on',
    status: 401,
    requests: 5,
  },
  { key: bySecret, bucket: '2026-10-12T10:00Z', requests: 1 },
]
const OCTOBER = ['--month', '2026-10']
const BERLIN =
  '2026-09-30T22:00:00.000Z,2026-10-01 00:00,2026-10-31T23:00:00.000Z,2026-11-01 00:00,Europe/Berlin,true,' +
  '2026-10-31T23:00:00.000Z,2026-11-01 00:00\r\n'

forEachDatabase('report', (_kind, makeUrl) => {
  let env: Record<string, string>
  const report = (...args: string[]) => runCli(['report', ...args], { env })
  const json = async (...args: string[]) => JSON.parse((await report(...args, '--json')).stdout)

  beforeAll(async () => {
    const url = await makeUrl()
    await storeUsage(url, ROWS)
    env = { DATABASE_URL: url, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
  })

  test('gives an overview with total, change, keys, endpoints, chart and both lists', async () => {
    const { code, stdout, stderr } = await report(...OCTOBER)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage overview · 2026-10-01 00:00 to 2026-11-01 00:00 \(UTC\)\n/)
    expect(stdout).toContain(` · data folder ${EMPTY_DATA_DIR}\n\n`)
    expect(stdout).toContain(
      '1,806 requests (+80.6% against 1,000 from 2026-09-01 00:00 to 2026-10-01 00:00)',
    )
    expect(stdout).toContain('4 keys · 4 endpoints · 5.8% errors · 5 rejected')
    expect(stdout).toContain('Requests per day')
    expect(stdout).toMatch(/^Mobile app \(sk_l…9f2a\) +1,734 +96\.0% +2\.0% +2026-10-31 23:00/m)
    expect(stdout).toMatch(/^Total of 4 keys +1,806 +100\.0%/m)
    expect(stdout).toMatch(/^POST \/orders +500 +27\.7%/m)
  })

  test('keeps the JSON schema of an overview', async () => {
    const overview = await json(...OCTOBER)
    expect(Object.keys(overview)).toEqual([
      'report', 'title', 'database', 'dataDir', 'period', 'previous', 'total', 'activeKeys', 'activeEndpoints', 'series',
      'sections', 'notes',
    ]) // prettier-ignore
    expect(overview.total).toEqual({
      requests: 1806,
      clientErrors: 39,
      serverErrors: 66,
      rejected: 5,
      errorRate: 105 / 1806,
      meanDurationMs: 1.5,
      firstUsed: '2026-10-01T10:00:00.000Z',
      lastUsed: '2026-10-31T23:00:00.000Z',
      previousRequests: 1000,
      change: 0.806,
    })
    expect(overview.period).toEqual({
      since: '2026-10-01T00:00:00.000Z',
      until: '2026-11-01T00:00:00.000Z',
      timeZone: 'UTC',
      text: '2026-10-01 00:00 to 2026-11-01 00:00 (UTC)',
      complete: true,
      figuresTo: '2026-11-01T00:00:00.000Z',
    })
    expect(overview.previous).toEqual({
      since: '2026-09-01T00:00:00.000Z',
      until: '2026-10-01T00:00:00.000Z',
      text: '2026-09-01 00:00 to 2026-10-01 00:00 (UTC)',
      historyBegins: null,
    })
    expect(overview.series.unit).toBe('day')
    expect(overview.series.steps).toHaveLength(31)
    expect(overview.series.steps[24]).toEqual({ start: '2026-10-25T00:00:00.000Z', requests: 34, errors: 34 })
    expect(
      overview.sections.map(({ by, groupCount }: { by: string; groupCount: number }) => [by, groupCount]),
    ).toEqual([
      [['owner'], 4],
      [['key'], 4],
      [['method', 'endpoint'], 4],
    ])
    const [first] = overview.sections[1].groups
    expect(first.key).toEqual(acme)
    expect(Object.keys(first).toSorted()).toEqual([
      'clientErrors', 'errorRate', 'firstUsed', 'key', 'lastUsed', 'meanDurationMs', 'rejected', 'requests',
      'serverErrors', 'share', 'trend',
    ]) // prettier-ignore
    expect(first.trend.reduce((sum: number, count: number) => sum + count, 0)).toBe(1734)
  })

  test.each(['Mobile app', 'sk_l…9f2a', acme.id, 'sk_l', acme.id.toUpperCase()])(
    'shows the endpoints of a key found by %s',
    async (text) => {
      const found = await json('--key', text, ...OCTOBER)
      expect(found.title).toBe('Endpoints of Mobile app (sk_l…9f2a)')
      const endpoints = found.sections[0].groups.map(
        ({ method, endpoint, requests }: Record<string, unknown>) => [
          `${String(method)} ${String(endpoint)}`,
          requests,
        ],
      )
      expect(endpoints).toEqual([
        ['GET /users/:id', 1234],
        ['POST /orders', 500],
      ])
    },
  )

  test('finds a key by its secret from standard input and never shows the secret', async () => {
    const { code, stdout, stderr } = await runCli(['report', '--key', '-', ...OCTOBER], {
      env,
      input: `${secret}\n`,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('Endpoints of a-se…1234')
    expect(stdout).not.toContain(secret)
  })

  test('says who calls an endpoint, also by a pattern', async () => {
    const callers = await json('--endpoint', 'GET /users/:id', ...OCTOBER)
    expect(callers.title).toBe('Who calls GET /users/:id')
    expect(callers.sections[0].groups.map(({ key }: { key: { label: string } }) => key.label)).toEqual([
      'sk_l…9f2a',
      'a-se…1234',
    ])
    expect((await json('--endpoint', '/ord*', ...OCTOBER)).total.requests).toBe(566)
  })

  test('shows over time how a key uses an endpoint', async () => {
    const usage = await json('--key', 'Mobile app', '--endpoint', '/users/:id', ...OCTOBER)
    expect(usage.sections[0].by).toEqual(['day'])
    expect(usage.sections[0].groups.map(({ requests }: { requests: number }) => requests)).toEqual([1200, 34])
  })

  test.each([
    [['--owner', 'acme'], 1734],
    [['--method', 'post'], 500],
    [['--status', '4xx'], 39],
    [['--status', '404,500'], 100],
    [['--since', '2026-10-12', '--until', '2026-10-13'], 72],
  ])('filters by %j', async (args, requests) => {
    const period = args.includes('--since') ? [] : OCTOBER
    expect((await json(...args, ...period)).total.requests).toBe(requests)
  })

  test('puts a request into the day of the time zone asked for', async () => {
    const days = await json(
      '--by',
      'day',
      '--since',
      '2026-11-01',
      '--until',
      '2026-11-02',
      '--tz',
      'Europe/Berlin',
    )
    expect(days.sections[0].groups).toMatchObject([{ day: '2026-10-31T23:00:00.000Z', requests: 500 }])
    expect(days.notes).toEqual([])
  })

  test('draws two dimensions as a matrix', async () => {
    const { stdout } = await report('--by', 'key,month', '--since', '2026-09-01', '--until', '2026-11-01')
    expect(stdout).toMatch(/^Key \\ Month +2026-09 +2026-10 +Total$/m)
    expect(stdout).toMatch(/^Mobile app \(sk_l…9f2a\) +1,000 +1,734 +2,734$/m)
    expect(stdout).toMatch(/^Total +1,000 +1,806 +2,806$/m)
  })

  test('compares every group with the period before', async () => {
    const { stdout } = await report('--by', 'key', '--compare', 'previous', ...OCTOBER)
    expect(stdout).toContain(
      '1,806 requests, +80.6% against 1,000 from 2026-09-01 00:00 to 2026-10-01 00:00\n',
    )
    expect(stdout).toMatch(/^Mobile app \(sk_l…9f2a\) +1,734 +96\.0% +\+73\.4%/m)
    expect(stdout).toMatch(/^漢字株式会社 \(part…77aa\) +66 +3\.7% +new /m)
  })

  test('says how much a limit leaves out, and keeps the total of all', async () => {
    const { stdout } = await report('--by', 'key', '--limit', '1', ...OCTOBER)
    expect(stdout).toMatch(/^Total of 4 keys +1,806/m)
    expect(stdout).toContain('3 more with 72 requests: use --limit 0 to see all.')
  })

  test('writes CSV with plain numbers, CRLF, and nothing that a spreadsheet would run', async () => {
    const { stdout } = await report('--by', 'owner', '--format', 'csv', ...OCTOBER)
    const [head, ...lines] = stdout.split('\r\n')
    expect(head).toBe(
      'owner,requests,share,errorRate,clientErrors,serverErrors,rejected,meanDurationMs,firstUsed,lastUsed',
    )
    expect(lines.at(-1)).toBe('')
    expect(lines.find((line) => line.includes('=cmd()'))).toMatch(/^'=cmd\(\),5,/)
  })

  test('writes Markdown whose cells hold what the database has', async () => {
    const { stdout } = await report('--by', 'endpoint', '--format', 'markdown', ...OCTOBER)
    expect(stdout).toContain('| Endpoint | Requests | Share |')
    expect(stdout).toContain(String.raw`| GET /a\|b/:very/:long/:path/:that/:goes/:on | 5 |`)
  })

  test('lets no escape sequence from the database through', async () => {
    for (const format of ['table', 'json', 'markdown']) {
      const { stdout } = await report('--format', format, ...OCTOBER)
      expect(stdout).toContain('evil')
      expect(stdout).not.toContain('\x1b')
      expect(stdout).not.toContain('\u202e')
    }
  })

  test('fits 80 columns with wide characters and long names', async () => {
    const { default: stringWidth } = await import('string-width')
    for (const args of [
      [],
      ['--by', 'key', '--compare', 'previous'],
      ['--by', 'key,day'],
      ['--key', 'Mobile app'],
    ]) {
      const { stdout } = await runCli(['report', ...args, ...OCTOBER], { env: { ...env, COLUMNS: '80' } })
      const lines = stdout.split('\n').filter((line) => !line.startsWith('Database'))
      expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(80)
    }
  })

  test('writes --json to a file, and then nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'report.json')
    expect(await report('--json', '--out', file, ...OCTOBER)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(await json(...OCTOBER))
  })

  test('has no colours in a pipe', async () => {
    const { stdout } = await runCli(['report', ...OCTOBER], { env: { ...env, FORCE_COLOR: '1' } })
    expect(stdout).not.toContain('\x1b')
  })

  test('draws again and again with --watch until Ctrl-C, which ends it without an error', async () => {
    const child = startCli(['report', '--watch', ...OCTOBER], { env })
    const ended = once(child, 'close')
    let stdout = ''
    for await (const chunk of child.stdout!) {
      stdout += String(chunk)
      if (stdout.split('Usage overview').length > 2) child.kill('SIGINT')
    }
    expect(await ended).toEqual([0, null])
  })

  describe('--billable', () => {
    test('gives one line per key, method and path with the period, also in local time', async () => {
      const { code, stdout, stderr } = await report(
        '--billable',
        '2xx',
        '--format',
        'csv',
        '--tz',
        'Europe/Berlin',
        ...OCTOBER,
      )
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: 'Note: 2026-10 is open: "apikey-analytics close" bills it.\n',
      })
      expect(stdout).toBe(
        'keyId,keyLabel,keyName,keyOwner,method,endpoint,requests,since,sinceLocal,until,untilLocal,timeZone,complete,figuresTo,figuresToLocal\r\n' +
          `${acme.id},sk_l…9f2a,Mobile app,acme,GET,/users/:id,1200,${BERLIN}` +
          `${bySecret.id},a-se…1234,,,GET,/users/:id,1,${BERLIN}`,
      )
    })

    test('refuses a month whose border cuts a row, with the remedy', async () => {
      const url = await makeUrl()
      await storeUsage(url, [{ key: acme, bucket: '2026-10-31T00:00Z', bucketMinutes: 1440, requests: 9 }])
      const args = ['report', '--billable', '2xx', '--tz', 'Europe/Berlin', ...OCTOBER]
      const { code, stdout, stderr } = await runCli(args, { env: { DATABASE_URL: url } })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('1 stored row with 9 requests crosses a border of 2026-10 in Europe/Berlin')
      expect(stderr).toContain('Use --tz UTC')
    })

    test('needs a month', async () => {
      const { code, stderr } = await report('--billable', '2xx')
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: 'Error: --billable makes the lines of an invoice and needs --month, such as 2026-10.\n',
      })
    })
  })

  test.each([
    [['--key', 'Mobil app'], 'There is no key "Mobil app". Did you mean Mobile app?'],
    [['--key', 'aaaaaaaa'], '"aaaaaaaa" fits several keys: '],
    [['--endpoint', 'GET /user/:id'], 'No requests to "GET /user/:id" are stored. Did you mean /users/:id?'],
    [['--owner', 'acne'], 'No key has the owner "acne". Did you mean acme?'],
    [['--since', '7x'], 'Cannot read "7x" as a period. Use 24h, 7d, 4w or a date such as 2026-11-01.'],
    [['--tz', 'Mars'], 'Unknown time zone "Mars".'],
    [['--by', 'foo'], 'Cannot group by "foo".'],
    [
      ['--by', 'key,day,status'],
      'Group by at most 2 dimensions, such as --by key,month; by three with --format csv, json or xlsx.',
    ],
    [['--by', 'endpoint,path'], 'Cannot group by endpoint and path: one of them is in another.'],
    [['--by', 'mont'], 'Cannot group by "mont". Did you mean month?'],
    [['--by', 'key,day,status,owner', '--format', 'csv'], 'Group by at most 3 dimensions.'],
    [['--ownr', 'acme'], 'Nonexistent flag: --ownr. Did you mean --owner? See --help.'],
    [['--key', 'acme', '--env-fil=postgres://me:hunter2@db/x'], 'Did you mean --env-file?'],
    [['--status', 'ok'], 'Cannot read "ok" as a status.'],
    [['--format', 'xml'], 'Expected --format=xml to be one of: table, csv, json, markdown, html, xlsx.'],
    [['--limit', 'many'], '--limit must be a whole number, not many.'],
    [['--frobnicate'], 'Nonexistent flag: --frobnicate. See --help.'],
    [['--endpoint', 'GET /x', '--method', 'POST'], 'The endpoint names GET, and the method is POST.'],
  ])('refuses %j in one line with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await report(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^Error: [^\n]*\n$/)
  })

  test('reports an error as JSON with a code when JSON was asked for', async () => {
    const { code, stdout, stderr } = await report('--json', '--since', '7x')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'WRONG_USAGE',
        message: 'Cannot read "7x" as a period. Use 24h, 7d, 4w or a date such as 2026-11-01.',
      },
    })
  })

  test('ends well when nobody reads', async () => {
    for (const args of [
      ['report', ...OCTOBER],
      ['report', '--watch', ...OCTOBER],
      ['export'],
      ['report', '--help'],
    ]) {
      const child = startCli(args, { env })
      child.stdout!.destroy()
      let stderr = ''
      child.stderr!.on('data', (chunk) => (stderr += String(chunk)))
      expect(await once(child, 'close')).toEqual([0, null])
      expect(stderr).toBe('')
    }
  })
})

describe('report without a database', () => {
  let cwd: string
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
  })
  afterAll(() => rm(cwd, { recursive: true }))

  test('says where it looked and creates nothing', async () => {
    expect(await runCli(['report'], { cwd })).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: No usage.db in ${join(cwd, '.apikey-analytics')}: pass --data-dir, or name the database of the app with --database, DATABASE_URL or --env-file.\n`,
    })
    expect((await runCli(['report'], { cwd })).stderr).toContain('No usage.db')
  })

  test.each([
    ['postgres://me:pass@word@127.0.0.1:1/usage', 1, 'Cannot reach PostgreSQL usage at 127.0.0.1:1'],
    ['mysql://me:hunter2@127.0.0.1/usage', 2, 'The databases are SQLite and PostgreSQL, and not'],
  ])('never shows the password of %s', async (url, expected, message) => {
    for (const args of [[], ['--json'], ['--json', '--frobnicate'], ['--frobnicate']]) {
      const { code, stdout, stderr } = await runCli(['report', '--database', url, ...args], { cwd })
      expect(code).toBe(args.includes('--frobnicate') ? 2 : expected)
      if (!args.includes('--frobnicate')) expect(stdout + stderr).toContain(message)
      expect(stdout + stderr).not.toMatch(/me:pass|pass@|@word|hunter2/)
      expect(stderr).not.toContain('    at ')
    }
  })

  test('says what to do when there is no database, and names a .env that lies there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    await writeFile(join(folder, '.env'), 'PORT=3000\n')
    const { stderr } = await runCli(['report'], { cwd: folder })
    expect(stderr).toContain('DATABASE_URL or --env-file. There is a .env here: --env-file .env reads it.\n')
    const named = await runCli(['report', '--env-file=.env'], { cwd: folder })
    expect(named.stderr).toContain('DATABASE_URL or --env-file. .env sets no DATABASE_URL.\n')
    await rm(folder, { recursive: true })
  })

  test('answers for a --env-file that is not there, wherever it stands, and not Node', async () => {
    const bin = new URL('../../bin/run.js', import.meta.url).pathname
    const link = join(cwd, 'apikey-analytics')
    await symlink(bin, link)
    for (const args of [
      ['report', '--env-file', 'nope.env'],
      ['report', '--env-file=nope.env'],
      ['--env-file', 'nope.env', 'report'],
    ]) {
      for (const command of [bin, link]) {
        const child = spawn(command, args, {
          cwd,
          env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
        })
        const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
        expect(code).toBe(2)
        expect(stderr).toMatch(/^Error: /)
        if (args[0] === 'report')
          expect(stderr).toBe('Error: Cannot read nope.env (ENOENT). Check --env-file.\n')
      }
    }
  })

  test.each([
    [
      ['keys', 'lst'],
      'There is no command "keys lst". Did you mean keys list? See apikey-analytics keys --help.',
    ],
    [
      ['keys', 'frobnicate'],
      'There are keys forget, keys link, keys list, keys name, keys owners, keys unlink.',
    ],
    [['keys', 'postgres://me:hunter2@db/x'], 'There is no command "keys postgres".'],
    [['reprot'], 'There is no command "reprot". Did you mean report?'],
    [['report', 'acme'], '"report" takes no arguments.'],
  ])('says which command was meant by %j', async (args, message) => {
    const { code, stdout, stderr } = await runCli(args, { cwd })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('hunter2')
  })

  test('takes the database from --env-file, and what to do next from an empty one', async () => {
    await writeFile(join(cwd, 'settings'), `DATABASE_URL=sqlite:${join(cwd, 'other.db')}\n`)
    const args = ['--env-file', 'settings']
    expect((await runCli(['migrate', ...args], { cwd })).stdout).toContain('other.db')
    const { code, stdout } = await runCli(['report', ...args], { cwd })
    expect(code).toBe(0)
    expect(stdout).toContain('Note: The database is empty. Add app.use(apiKeyAnalytics()) to your app')
  })

  test('shows help without loading MikroORM', async () => {
    const tell = "if (r.url.includes('mikro-orm')) process._rawDebug('loads ' + r.url)"
    const hooks = `registerHooks({ resolve(s, c, n) { const r = n(s, c); ${tell}; return r } })`
    const script = encodeURIComponent(`import { registerHooks } from 'node:module'; ${hooks}`)
    const env = { NODE_OPTIONS: `--import data:text/javascript,${script}` }
    for (const command of [['--help'], ['report', '--help'], ['keys', 'list', '--help']]) {
      const { code, stdout, stderr } = await runBin(command, { cwd, env })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^(USAGE|SYNOPSIS)$/m)
    }
    expect((await runBin(['migrate'], { cwd, env })).stderr).toContain('loads ')
  })
})
