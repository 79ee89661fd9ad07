import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import type { CliResult } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import type { StoredRow } from '../support/usage/store-usage.ts'
import { storedColumns } from '../../src/report/export/export-columns.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile, "app"', owner: 'acme' })
const evil = testKey(2, '=cmd()|x', { name: "'quoted", owner: '@SUM(1)' })
const big = Number.MAX_SAFE_INTEGER
const ROWS: readonly StoredRow[] = [
  { key: acme, bucket: '2026-09-01T10:00Z', requests: 1200, durationUs: 2500, quantities: { tokens: big } },
  { key: acme, bucket: '2026-09-01T11:00Z', requests: 3, durationUs: 90_000_000, endpoint: '/slow "one"' },
  { key: acme, bucket: '2026-09-02T00:00Z', bucketMinutes: 1440, requests: 7, status: 503, method: '_OTHER' },
  { key: acme, bucket: '2026-09-03T23:00Z', method: 'POST', endpoint: '/orders, new;', requests: 500 },
  { key: evil, bucket: '2026-09-04T10:01Z', bucketMinutes: 1, status: 401, requests: 5, durationUs: 40 },
  { key: evil, bucket: '2026-09-05T10:00Z', requests: 0, quantities: { rows: 7 } },
  // given to another customer
  { key: { ...acme, owner: 'beta' }, bucket: '2026-09-06T10:00Z', requests: 11 },
  { key: { ...acme, owner: 'beta' }, bucket: '2026-09-07T10:00Z', requests: 13, endpoint: '=2+5' },
]

const DUMP = [
  { model: 'auth.user', pk: 1, fields: { username: 'jane', password: 'x' } },
  {
    model: 'drf_simple_apikey_analytics.apikeyanalytics',
    pk: 1,
    fields: {
      api_key: 17,
      request_number: 12,
      accessed_endpoints: { endpoints: { '/api//orders/': 7, '/api/users/?api_key=SECRET': 3 } },
    },
  },
  {
    model: 'drf_simple_apikey_analytics.apikeyanalytics',
    pk: 2,
    fields: { api_key: 18, request_number: 0, accessed_endpoints: {} },
  },
  { model: 'drf_simple_apikey.apikey', pk: 17, fields: { name: 'Web shop', entity: 1, revoked: false } },
]

/** Of a report. */
interface Group {
  readonly owner: string
  readonly requests: number
}

forEachDatabase('import', (_kind, makeUrl) => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  let files = 0
  const write = async (content: string | Buffer, name = `file-${(files += 1)}.csv`): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }
  const cli = (url: string, ...args: string[]) => runCli(args, { env: { DATABASE_URL: url } })
  const json = async (url: string, ...args: string[]) =>
    JSON.parse((await cli(url, ...args, '--json')).stdout)
  const done = { code: 0, stderr: '' }
  const refused = (result: CliResult, message: string) => {
    expect(result.stderr).toContain(message)
    expect(result).toMatchObject({ code: 2, stdout: '' })
  }
  const isEmpty = async (url: string) => {
    expect((await json(url, 'imports', 'list')).imports).toEqual([])
    expect((await json(url, 'keys', 'list')).keys).toEqual([])
    expect(await cli(url, 'export', '--format', 'ndjson')).toEqual({ ...done, stdout: '' })
  }

  describe('of our own export', () => {
    let source: string
    beforeAll(async () => {
      source = await makeUrl()
      await storeUsage(source, ROWS)
      await storeUsage(source, [
        { key: acme, bucket: '2026-09-01T10:00Z', requests: 1, quantities: { tokens: big } },
      ])
    })

    test.each([
      ['csv', '--format', 'csv'],
      ['csv with semicolons', '--format', 'csv', '--csv-separator', ';'],
      ['csv with local times', '--format', 'csv', '--tz', 'Asia/Kolkata', '--until', '2026-11-01'],
      ['json', '--format', 'json'],
      ['ndjson', '--format', 'ndjson'],
    ])(
      '%s: gives the same export again, with units, durations, widths, owners and names',
      async (_, ...format) => {
        const url = await makeUrl()
        const args = ['export', '--units', '--latency', ...format]
        const { stdout } = await cli(source, ...args)
        const imported = await cli(url, 'import', await write(stdout))
        expect(imported).toMatchObject(done)
        expect(imported.stdout).toMatch(
          /^Imported \S+ as import 1: 8 rows with 1,740 requests, 7 rows, 18,014,398,509,481,982 tokens, 2026-09-01 10:00 to 2026-09-07 11:00 \(UTC\)\.\n$/,
        )
        expect((await cli(url, ...args)).stdout).toBe(stdout)
        const account = await json(url, 'verify')
        expect(account).toMatchObject({ accountedFor: true, storedRequests: 0, wrongHistograms: 0 })
        expect(account.imports).toMatchObject([
          { import: 1, unit: 'requests', stored: '1740', removed: '0', brought: '1740', balanced: true },
          { unit: 'rows', stored: '7' },
          { unit: 'tokens', stored: String(BigInt(big) * 2n) },
        ])
        const owners = await json(url, 'report', '--by', 'owner', '--since', '2026-09-01')
        expect(owners.sections[0].groups.map((one: Group) => [one.owner, one.requests])).toEqual([
          ['acme', 1711],
          ['beta', 24],
          ['@SUM(1)', 5],
        ])
      },
    )

    test('with every column that an export can have', async () => {
      const url = await makeUrl()
      const columns = [...storedColumns('UTC', []).keys()].join(',')
      const { stdout } = await cli(source, 'export', '--columns', columns)
      expect(await cli(url, 'import', await write(stdout))).toMatchObject(done)
      expect((await cli(url, 'export')).stdout).toBe((await cli(source, 'export')).stdout)
    })

    test('compressed, from standard input, and with a name', async () => {
      const url = await makeUrl()
      const { stdout } = await cli(source, 'export')
      const path = join(folder, 'usage.csv.gz')
      expect(await cli(source, 'export', '--gzip', '--out', path)).toMatchObject({ code: 0 })
      expect((await cli(url, 'import', path, '--as', 'old server')).stdout).toContain(
        'Imported old server as import 1',
      )
      const other = await makeUrl()
      const piped = await runCli(['import', '-'], { env: { DATABASE_URL: other }, input: stdout })
      expect(piped.stdout).toContain('Imported stdin as import 1')
      expect((await cli(url, 'export')).stdout).toBe(stdout)
      expect((await cli(other, 'export')).stdout).toBe(stdout)
    })

    test('twice is refused, until the first is removed; removing leaves nothing', async () => {
      const url = await makeUrl()
      const path = await write((await cli(source, 'export', '--units')).stdout)
      expect(await cli(url, 'import', path)).toMatchObject(done)
      refused(await cli(url, 'import', path, '--overlap'), 'The same file was imported before, as import 1')
      refused(await cli(url, 'imports', 'remove', '7', '--yes'), 'There is no import 7.')
      const removed = await cli(url, 'imports', 'remove', '1', '--yes')
      expect(removed.stdout).toBe('Removed import 1: 7 rows with 1,740 requests, and 2 keys.\n')
      await isEmpty(url)
      expect(await json(url, 'verify')).toMatchObject({ accountedFor: true, imports: [] })
      // a number is never given twice
      expect((await cli(url, 'import', path)).stdout).toContain('as import 2:')
    })

    test('into its own database is refused, because it would count twice', async () => {
      const path = await write((await cli(source, 'export')).stdout)
      const before = await cli(source, 'export')
      refused(
        await cli(source, 'import', path),
        'In the time of this file the database has 1,740 counted requests from 2026-09-01T10:00Z on. What both have would count twice. Nothing was imported',
      )
      expect(await cli(source, 'export')).toEqual(before)
      const dry = await cli(source, 'import', path, '--dry-run')
      expect(dry).toMatchObject({ code: 0 })
      expect(dry.stderr).toContain('Note: In the time of this file the database has 1,740 counted requests')
      expect(await cli(source, 'export')).toEqual(before)
    })

    test('the same rows in another format are refused too', async () => {
      const url = await makeUrl()
      expect(await cli(url, 'import', await write((await cli(source, 'export')).stdout))).toMatchObject(done)
      const other = await write((await cli(source, 'export', '--format', 'ndjson')).stdout)
      refused(await cli(url, 'import', other), 'In the time of this file the database has import 1')
      expect(await cli(url, 'import', other, '--overlap')).toMatchObject({ code: 0 })
      expect((await json(url, 'imports', 'list')).imports).toHaveLength(2)
    })

    test('of groups, without needed columns, or with columns of others is refused', async () => {
      const url = await makeUrl()
      const groups = await write((await cli(source, 'export', '--by', 'key,day')).stdout)
      refused(await cli(url, 'import', groups), 'This is an export of groups (--by)')
      const few = await write((await cli(source, 'export', '--columns', 'keyId,bucket,requestCount')).stdout)
      refused(
        await cli(url, 'import', few),
        'This export has no "bucketMinutes", "method", "endpoint", "status".',
      )
      const more = await write('keyId,bucket,bucketMinutes,method,endpoint,status,requestCount,mine\r\n')
      refused(await cli(url, 'import', more), 'does not write: "mine"')
      const parquet = join(folder, 'usage.parquet')
      await cli(source, 'export', '--format', 'parquet', '--out', parquet)
      refused(
        await cli(url, 'import', parquet),
        'a Parquet file: import the CSV, JSON or NDJSON of the same export',
      )
      refused(await cli(url, 'import', few, '--tz', 'UTC'), '--bucket and --tz are for files with --columns.')
      await isEmpty(url)
    })

    test('shows what would be imported and changes nothing', async () => {
      const url = await makeUrl()
      await storeUsage(url, [{ key: acme, bucket: '2026-11-01T10:00Z', requests: 1 }])
      const path = await write((await cli(source, 'export')).stdout, 'old.csv')
      const dry = await cli(url, 'import', path, '--dry-run')
      expect(dry).toMatchObject(done)
      expect(dry.stdout.split('\n').slice(0, 4)).toEqual([
        expect.stringMatching(
          /^Would import old\.csv, an export of apikey-analytics, into .* Nothing was changed\.$/,
        ),
        '  7 rows with 1,740 requests',
        '  2026-09-01 10:00 to 2026-09-07 11:00 (UTC)',
        "  2 keys, 1 new: 'quoted (=cmd()|x)",
      ])
      expect((await json(url, 'imports', 'list')).imports).toEqual([])
      expect(await json(url, 'import', path, '--dry-run')).toMatchObject({
        import: null,
        rows: 7,
        requests: 1740,
        format: 'export',
        keys: { count: 2, newCount: 1 },
        overlap: { counted: null, imports: [] },
        done: false,
      })
    })
  })

  describe('with named columns', () => {
    test('reads keys by id, local times, and quantities; missing columns have their defaults', async () => {
      const url = await makeUrl()
      const path = await write(
        '\ufeffapi_key;ts;path;hits;used;who\r\nkey_42;2026-09-01 00:30;/users/:id;3;10;Acme\r\nkey_42;2026-09-01 00:59;/users/:id;4;;Acme\r\n"key 43";2026-09-01 05:00;/orders?token=SECRET;1;0;\r\n',
      )
      const columns = 'key=api_key,time=ts,endpoint=path,requests=hits,unit.tokens=used,owner=who'
      const args = [path, '--columns', columns, '--tz', 'Europe/Berlin', '--method', 'get']
      expect(await cli(url, 'import', ...args)).toMatchObject(done)
      const { stdout } = await cli(url, 'export', '--format', 'ndjson', '--units')
      const rows = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(rows).toHaveLength(2)
      expect(rows).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            keyLabel: 'key_42',
            keyOwner: 'Acme',
            bucket: '2026-08-31T22:00:00.000Z',
            bucketMinutes: 60,
            method: 'GET',
            endpoint: '/users/:id',
            status: 200,
            requestCount: 7,
            tokensRequestCount: 3,
            tokensQuantity: '10',
          }),
          expect.objectContaining({ keyLabel: 'key 43', endpoint: '/orders', tokensQuantity: '0' }),
        ]),
      )
      expect(stdout).not.toContain('SECRET')
    })

    test('reads each row as one request without a column of requests, and secrets as the app hashes them', async () => {
      const url = await makeUrl()
      const secret = 'sk_live_0123456789abcdef'
      const path = await write(
        `token,at,status\n${secret},1788343200,429\n${secret},1788343201,200\n${secret},1788343202,200\n`,
      )
      const result = await cli(url, 'import', path, '--columns', 'secret=token,time=at,status=status')
      expect(result).toMatchObject(done)
      const shown = await runCli(['report', '--key', '-', '--since', '2026-09-01', '--json'], {
        env: { DATABASE_URL: url },
        input: secret,
      })
      expect(JSON.parse(shown.stdout).total).toMatchObject({ requests: 3, clientErrors: 1 })
      const { stdout } = await cli(url, 'export')
      expect(stdout).toContain('sk_l…cdef')
      expect(stdout + shown.stdout).not.toContain(secret)
    })

    test('reads days that are UTC days, and refuses others', async () => {
      const url = await makeUrl()
      const path = await write('k,d,n\na,2026-09-01,5\na,2026-09-02,6\n')
      const args = ['import', path, '--columns', 'key=k,time=d,requests=n', '--bucket', 'day']
      refused(
        await cli(url, ...args, '--tz', 'Europe/Berlin'),
        'Line 2: the day "2026-09-01" begins at 2026-08-31T22:00:00.000Z, in the middle of a UTC day',
      )
      await isEmpty(url)
      expect(await cli(url, ...args)).toMatchObject(done)
      const { stdout } = await cli(
        url,
        'export',
        '--columns',
        'bucket,bucketMinutes,endpoint,method,requestCount,importId',
      )
      expect(stdout.split('\r\n').slice(1)).toEqual([
        '2026-09-01T00:00:00.000Z,1440,(imported),_OTHER,5,1',
        '2026-09-02T00:00:00.000Z,1440,(imported),_OTHER,6,1',
        '',
      ])
    })

    test('reads JSON and NDJSON too, and a file without times on one day', async () => {
      const url = await makeUrl()
      const list = await write('[{"k": 1, "n": 2}, {"k": 2, "n": 3, "more": {}}]')
      expect(
        await cli(url, 'import', list, '--columns', 'key=k,requests=n', '--day', '2026-09-01'),
      ).toMatchObject(done)
      const lines = await write('{"k": 1, "n": 2}\n{"k": 2, "n": 4}\n')
      expect(
        await cli(url, 'import', lines, '--columns', 'key=k,requests=n', '--day', '2026-09-02'),
      ).toMatchObject(done)
      const { sections } = await json(url, 'report', '--by', 'day', '--since', '2026-09-01')
      expect(sections[0].groups.map((one: Group) => one.requests)).toEqual([5, 6])
    })

    test.each([
      ['nothing of a key', 'time=d,requests=n', [], 'must name either key'],
      ['both forms of a key', 'key=k,secret=k,time=d', [], 'must name either key'],
      ['no time', 'key=k', [], 'For a file without times pass --day'],
      ['a time and a day', 'key=k,time=d', ['--day', '2026-09-01'], 'Leave out either --day or the time'],
      ['a column that is not there', 'key=k,time=x', [], 'The file has no column "x". It has "k", "d", "n".'],
      [
        'a field that does not exist',
        'key=k,time=d,endpont=n',
        [],
        'Cannot read --columns "endpont=n". Did you mean endpoint?',
      ],
      ['a unit with a wrong name', 'key=k,time=d,unit.X=n', [], 'Cannot read --columns "unit.X=n".'],
      ['a field twice', 'key=k,key=d,time=d', [], '--columns names key twice.'],
      ['a day of the future', 'key=k', ['--day', '2999-01-01'], '--day 2999-01-01 is no day of the past.'],
      ['a wrong zone', 'key=k,time=d', ['--tz', 'Mars'], 'Unknown time zone "Mars".'],
      ['a wrong status', 'key=k,time=d', ['--status', '700'], '--status 700 is no HTTP status.'],
    ])('is refused with %s', async (_, columns, more, message) => {
      const url = await makeUrl()
      const path = await write('k,d,n\na,2026-09-01T10:00Z,5\n')
      refused(await cli(url, 'import', path, '--columns', columns, ...more), message)
      await isEmpty(url)
    })
  })

  describe('of drf-simple-apikey', () => {
    test('reads a dump, with the names of keys wherever they are, and needs a day', async () => {
      const url = await makeUrl()
      const path = await write(JSON.stringify(DUMP, null, 2), 'dump.json')
      refused(await cli(url, 'import', path), 'drf-simple-apikey stores no times: pass --day')
      const dry = await cli(url, 'import', path, '--day', '2026-09-30', '--dry-run')
      expect(dry.stdout).toContain('a dump of drf-simple-apikey')
      expect(dry.stdout).toContain('where the file has none: method _OTHER, status 200')
      expect(await cli(url, 'import', path, '--day', '2026-09-30', '--method', 'GET')).toMatchObject(done)
      const { stdout } = await cli(
        url,
        'export',
        '--columns',
        'keyLabel,keyName,bucket,bucketMinutes,method,endpoint,status,requestCount',
      )
      expect(stdout.trim().split('\r\n').slice(1).sort()).toEqual([
        '17,Web shop,2026-09-30T00:00:00.000Z,1440,GET,(other),200,2',
        '17,Web shop,2026-09-30T00:00:00.000Z,1440,GET,/api/orders/,200,7',
        '17,Web shop,2026-09-30T00:00:00.000Z,1440,GET,/api/users/,200,3',
      ])
    })

    test('refuses a dump without it, and wrong counts with their line', async () => {
      const url = await makeUrl()
      const day = ['--day', '2026-09-30']
      const other = await write(JSON.stringify([DUMP[0]]))
      refused(await cli(url, 'import', other, ...day), 'no object of the model ApiKeyAnalytics')
      const wrong = await write(
        '[\n{"model": "x.apikeyanalytics", "pk": 1, "fields": {"api_key": 1, "request_number": -1}}\n]',
      )
      refused(await cli(url, 'import', wrong, ...day), 'Line 2: request_number is -1.')
      await isEmpty(url)
    })
  })

  describe('of a file with one wrong line stores nothing:', () => {
    const HEAD =
      'keyId,keyLabel,keyName,keyOwner,bucket,bucketMinutes,method,endpoint,status,requestCount,durationUs\r\n'
    const good = [
      'aaaaaaaa-0000-4000-8000-000000000001',
      'a',
      '',
      '',
      '2026-09-01T10:00:00.000Z',
      '60',
      'GET',
      '/',
      '200',
      '5',
      '9',
    ]
    const line = (changes: Record<number, string>) =>
      `${good.map((cell, index) => changes[index] ?? cell).join(',')}\r\n`
    const tomorrow = new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000).toISOString()

    test.each([
      ['a key that is no UUID', line({ 0: 'abc' }), 'keyId is "abc". It must be a UUID.'],
      ['a negative count', line({ 9: '-3' }), 'requestCount is "-3". It must be a whole number'],
      ['a fraction', line({ 9: '1.5' }), 'requestCount is "1.5".'],
      ['a count past 2^53', line({ 9: '9007199254740993' }), 'requestCount is "9007199254740993".'],
      ['a number with 400 digits', line({ 9: '9'.repeat(400) }), 'requestCount is "9999…9999".'],
      ['no count', line({ 9: '' }), 'requestCount is empty.'],
      ['a formula', line({ 9: '=1+1' }), 'requestCount is "=1+1".'],
      ['a status that is none', line({ 8: '99' }), 'status is "99".'],
      ['a wrong width', line({ 5: '30' }), 'bucketMinutes is 30. It must be 1, 60 or 1440.'],
      [
        'a time within a bucket',
        line({ 4: '2026-09-01T10:30:00.000Z' }),
        'bucket is "2026-09-01T10:30:00.000Z".',
      ],
      ['a time without a zone', line({ 4: '2026-09-01T10:00:00' }), 'It must be the start of a UTC hour'],
      ['a time of the future', line({ 4: tomorrow }), 'is in the future.'],
      ['a time before 1970', line({ 4: '1969-12-31T10:00:00.000Z' }), 'is before 1970.'],
      ['an empty endpoint', line({ 7: '' }), 'endpoint is empty.'],
      ['too few cells', 'a,b\r\n', 'it has 2 cells and the first line has 11.'],
      ['an open quote', line({ 1: '"x' }), 'a quote is opened and never closed.'],
    ])('%s', async (_, wrong, message) => {
      const url = await makeUrl()
      const path = await write(HEAD + line({}) + line({ 7: '/2' }) + wrong)
      const result = await cli(url, 'import', path)
      refused(result, `Line 4: `)
      refused(result, message)
      expect(result.stderr).toContain('Nothing was imported.')
      await isEmpty(url)
    })

    test('sums that no column holds', async () => {
      const url = await makeUrl()
      const most = String(Number.MAX_SAFE_INTEGER)
      refused(
        await cli(url, 'import', await write(HEAD + line({ 9: most }) + line({ 9: '1' }))),
        'Line 3: the sum of all requests',
      )
      const unit = HEAD.replace('\r\n', ',tRequestCount,tQuantity\r\n')
      const largest = line({}).replace('\r\n', ',1,9223372036854775807\r\n')
      refused(await cli(url, 'import', await write(unit + largest + largest)), 'Line 3: the sum of all t ')
      await isEmpty(url)
      expect(await cli(url, 'import', await write(unit + largest))).toMatchObject(done)
      expect((await json(url, 'verify')).imports[1]).toMatchObject({
        unit: 't',
        stored: '9223372036854775807',
        balanced: true,
      })
    })

    test('a file without rows, or without a first line of names', async () => {
      const url = await makeUrl()
      refused(await cli(url, 'import', await write(HEAD)), 'has no rows. Nothing was imported.')
      refused(
        await cli(url, 'import', await write(HEAD + line({ 9: '0' }))),
        'has no requests. Nothing was imported.',
      )
      const secrets = await cli(url, 'import', await write('sk_live_0123456789abcdef,5\n'))
      refused(secrets, 'This is no export of apikey-analytics. Its columns are "sk_l…cdef", "5"')
      expect(secrets.stderr).not.toContain('0123456789')
      await isEmpty(url)
    })

    test('while an unknown method, a long name and a long endpoint are stored as an app would count them', async () => {
      const url = await makeUrl()
      const path = await write(HEAD + line({ 1: 'x'.repeat(5000), 6: 'BREW', 7: `/${'y'.repeat(5000)}` }))
      expect(await cli(url, 'import', path)).toMatchObject(done)
      const [row] = JSON.parse((await cli(url, 'export', '--format', 'json')).stdout)
      expect(row).toMatchObject({ method: '_OTHER', keyLabel: 'x'.repeat(200) })
      expect(Buffer.byteLength(row.endpoint)).toBe(500)
    })

    test('and many different keys are counted in bounded memory', async () => {
      const url = await makeUrl()
      const lines = Array.from({ length: 5000 }, (_, n) => `key-${n},2026-09-01T10:00Z\n`)
      const path = await write(`k,t\n${lines.join('')}`)
      const args = ['import', path, '--columns', 'key=k,time=t']
      expect((await cli(url, ...args, '--dry-run')).stdout).toContain(
        '5,000 keys, 5,000 new: key-0, key-1, key-2, key-3, key-4, …',
      )
      expect(await cli(url, ...args)).toMatchObject(done)
      expect((await cli(url, 'imports', 'remove', '1', '--yes')).stdout).toBe(
        'Removed import 1: 5,000 rows with 5,000 requests, and 5,000 keys.\n',
      )
      await isEmpty(url)
    })
  })

  describe('beside what is counted', () => {
    let url: string
    beforeAll(async () => {
      url = await makeUrl()
      await storeUsage(url, [
        { key: acme, bucket: '2026-10-01T10:00Z', requests: 100, quantities: { tokens: 9 } },
      ])
      const path = await write('k,t,n,u\nother,2026-10-02T10:00Z,40,4\n', 'legacy.csv')
      const args = ['--columns', 'key=k,time=t,requests=n,unit.tokens=u', '--as', 'legacy']
      await cli(url, 'import', path, ...args)
    })

    test('reports, customers and exports count it and say so', async () => {
      const note = 'Of these requests, 40 were imported.'
      for (const args of [['report'], ['report', '--by', 'key'], ['customers', 'list']]) {
        const { total, notes } = await json(url, ...args, '--since', '2026-10-01')
        expect([total.requests, notes.includes(note)]).toEqual([140, true])
      }
      const tokens = await json(url, 'report', '--by', 'key', '--unit', 'tokens', '--since', '2026-10-01')
      expect(tokens.total.quantity).toBe('13')
      expect(tokens.notes).toContain('Of these tokens, 4 were imported.')
      const earlier = await json(url, 'report', '--since', '2026-10-01', '--until', '2026-10-02')
      expect(earlier.notes.join()).not.toContain('imported')
      const exported = await cli(
        url,
        'export',
        '--columns',
        'keyLabel,requestCount,importId',
        '--format',
        'ndjson',
      )
      expect(exported.stderr).toBe(`Note: ${note}\n`)
      expect(
        exported.stdout
          .trim()
          .split('\n')
          .map((text) => JSON.parse(text))
          .sort((a, b) => a.importId - b.importId),
      ).toEqual([
        { keyLabel: acme.label, requestCount: 100, importId: 0 },
        { keyLabel: 'other', requestCount: 40, importId: 1 },
      ])
    })

    test('verify lists it apart from what is proven', async () => {
      const { stdout, code } = await cli(url, 'verify')
      expect(code).toBe(0)
      expect(stdout).toMatch(/In the table +100\n/)
      expect(stdout).toContain('Imported, not counted: nobody can prove these')
      expect(stdout).toMatch(/1 +legacy +requests +40 +0 +40\n/)
      expect(stdout).toMatch(/1 +legacy +tokens +4 +0 +4\n/)
      expect(stdout).toContain('OK: every counted request is accounted for.')
    })

    test('invoice lines and statements leave it out and say so', async () => {
      const invoice = await json(url, 'report', '--billable', '2xx', '--month', '2026-10')
      expect(invoice.total.requests).toBe(100)
      const note = '40 imported requests of this time are left out: only what was counted is billed.'
      expect(invoice.notes).toContain(note)
      const closed = await cli(url, 'close', '--month', '2026-10', '--billable', '2xx')
      expect(closed.stdout).toContain('  100 requests, 9 tokens; 2 lines of 1 key\n')
      expect(closed.stderr).toContain(`Note: ${note}\n`)
      expect(await json(url, 'verify')).toMatchObject({
        accountedFor: true,
        billing: {
          units: [
            { unit: 'requests', billed: '100', delivered: '100' },
            { unit: 'tokens', billed: '9' },
          ],
          faults: [],
        },
      })
      // removed rows of a closed period that were never billed are no fault
      expect(await cli(url, 'imports', 'remove', '1', '--yes')).toMatchObject({ code: 0 })
      expect(await json(url, 'verify')).toMatchObject({ accountedFor: true, imports: [] })
    })
  })
})
