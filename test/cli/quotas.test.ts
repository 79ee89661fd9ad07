import { beforeEach, expect, test } from 'vitest'
import { openUsage } from '../../src/index.ts'
import { shift, startOf } from '../../src/time/calendar.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const NOW = new Date()
const bucket = startOf('hour', NOW, 'UTC').toISOString()
const MOBILE = testKey(1, 'key_1', { name: 'Mobile app', owner: 'Acme' })
const ROWS = [
  { key: MOBILE, bucket, requests: 45, quantities: { tokens: 900 } },
  { key: testKey(2, 'key_2', { owner: 'Acme' }), bucket, requests: 5, quantities: { tokens: 300 } },
  { key: testKey(3, 'key_3', { owner: 'Hooli' }), bucket, requests: 40 },
]

forEachDatabase('quotas', (_kind, makeUrl) => {
  let env: Record<string, string>
  const run = (...args: string[]) => runCli(args, { env })
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout)

  beforeEach(async () => {
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })

  test('are set, changed, listed and removed', async () => {
    expect(await run('quotas', 'list')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No quotas. "apikey-analytics quotas set KEY --limit 1000" sets one.'),
    })
    expect(await run('quotas', 'set', 'Mobile app', '--limit', '100')).toEqual({
      code: 0,
      stdout: 'Mobile app (key_1) may use 100 requests per month (UTC).\n',
      stderr: '',
    })
    expect((await run('quotas', 'set', 'key_1', '--limit', '1000')).stdout).toBe(
      'Mobile app (key_1) may use 1,000 requests per month (UTC), 100 before.\n',
    )
    const berlin = ['quotas', 'set', 'key_1', '--limit', '50', '--tz', 'Europe/Berlin']
    expect((await run(...berlin)).stdout).toBe(
      'Mobile app (key_1) may use 50 requests per month (Europe/Berlin), 1,000 requests per month (UTC) before.\n',
    )
    // the time zone stays
    expect(await json('quotas', 'set', 'key_1', '--limit', '40')).toMatchObject({
      before: { limit: '50' },
      quota: { keyId: MOBILE.id, owner: null, limit: '40', timeZone: 'Europe/Berlin' },
    })
    const acme = ['quotas', 'set', '--owner', 'Acme', '--unit', 'tokens', '--per', 'week']
    expect((await run(...acme, '--limit', '999999999999999')).stdout).toBe(
      'Acme may use 999,999,999,999,999 tokens per week (UTC).\n',
    )
    const removed = await run('quotas', 'remove', 'key_1')
    expect(removed).toMatchObject({
      code: 0,
      stdout: 'Mobile app (key_1) has no quota of requests per month any more.\n',
    })
    expect(await run('quotas', 'remove', 'key_1')).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'Error: Mobile app (key_1) has no quota of requests per month. "apikey-analytics quotas list" shows all.\n',
    })
    const owner = ['--owner', 'Acme', '--unit', 'tokens', '--per', 'week']
    expect(await json('quotas', 'remove', ...owner)).toMatchObject({ removed: { owner: 'Acme' } })
    expect((await json('quotas', 'list')).quotas).toEqual([])
  })

  test('are listed with what was used, the most used first, in every format', async () => {
    await run('quotas', 'set', 'key_3', '--limit', '1000000')
    await run('quotas', 'set', 'key_1', '--limit', '100')
    await run('quotas', 'set', 'key_2', '--limit', '10', '--per', 'month')
    await run('quotas', 'set', '--owner', 'Acme', '--unit', 'tokens', '--limit', '1000')
    const found = await json('quotas', 'list')
    const until = shift('month', startOf('month', NOW, 'UTC'), 1, 'UTC')
    expect(found).toMatchObject({
      dataDir: EMPTY_DATA_DIR,
      notes: [],
      completeUntil: expect.any(String),
      quotas: [
        {
          name: 'Acme',
          keyId: null,
          owner: 'Acme',
          unit: 'tokens',
          used: '1200',
          remaining: '0',
          share: 1.2,
        },
        { name: 'key_2', used: '5', limit: '10', remaining: '5', share: 0.5 },
        { name: 'Mobile app (key_1)', keyId: MOBILE.id, owner: null, used: '45', until: until.toISOString() },
        { name: 'key_3', used: '40', limit: '1000000', share: 0.000_04 },
      ],
    })
    const { stdout } = await run('quotas', 'list')
    const lines = stdout.split('\n').filter((line) => line.includes('month'))
    const next = until.toISOString().slice(0, 10)
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['Acme', 'tokens', 'month', '1,200', '1,000', '120.0%', '██████████', `${next} 00:00`, 'UTC'],
      ['key_2', 'requests', 'month', '5', '10', '50.0%', '█████░░░░░', `${next} 00:00`, 'UTC'],
      ['Mobile app (key_1)', 'requests', 'month', '45', '100', '45.0%', '█████░░░░░', `${next} 00:00`, 'UTC'],
      ['key_3', 'requests', 'month', '40', '1,000,000', '<0.1%', '█░░░░░░░░░', `${next} 00:00`, 'UTC'],
    ])
    expect(stdout).toMatch(/^Quotas · complete until \d{4}-\d\d-\d\d \d\d:\d\d UTC\n/)
    const csv = (await run('quotas', 'list', '--format', 'csv')).stdout.split('\r\n')
    expect(csv[0]).toBe('keyId,owner,name,unit,per,limit,used,remaining,share,since,until,timeZone,setAt')
    expect(csv[1]).toMatch(/^,Acme,Acme,tokens,month,1000,1200,0,1\.2,\d{4}-/)
    expect(csv).toHaveLength(6)
    const markdown = (await run('quotas', 'list', '--format', 'markdown')).stdout
    expect(markdown).toContain('| Acme | tokens | month | 1,200 | 1,000 | 120.0% |')
    expect(JSON.parse((await run('quotas', 'list', '--format', 'json')).stdout)).toEqual(found)
  })

  test('a narrow terminal keeps who, what and how much', async () => {
    await run('quotas', 'set', 'key_1', '--limit', '100')
    const { stdout } = await runCli(['quotas', 'list'], { env: { ...env, COLUMNS: '60' } })
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(60)
    expect(stdout).toMatch(
      /Mobile app \(key_1\) +requests +month +45 +100? .*45\.0%|Mobile app \(key_1\) +requests +month +45 +45\.0%/,
    )
  })

  test.each<[string, readonly string[], RegExp]>([
    ['nobody', ['--limit', '5'], /^Error: Name either a key, or a customer with --owner\./],
    ['two subjects', ['key_1', '--owner', 'Acme', '--limit', '5'], /^Error: Name either a key/],
    ['an unknown key', ['key_9', '--limit', '5'], /^Error: There is no key "key_9"\. Did you mean/],
    [
      'an unknown owner',
      ['--owner', 'Acmee', '--limit', '5'],
      /^Error: No key has the owner "Acmee"\. Did you mean "?Acme"?/,
    ],
    ['no limit', ['key_1'], /^Error: Missing --limit\.$/m],
    [
      'a limit of 0',
      ['key_1', '--limit', '0'],
      /^Error: Cannot read "0" as a limit\. Use a whole number from 1 to/,
    ],
    ['a fraction', ['key_1', '--limit', '1.5'], /^Error: Cannot read "1\.5" as a limit/],
    ['a limit of 16 digits', ['key_1', '--limit', '1000000000000000'], /^Error: Cannot read/],
    [
      'an unknown unit',
      ['key_1', '--limit', '5', '--unit', 'token'],
      /^Error: No quantity of "token" was ever counted\. Did you mean/,
    ],
    [
      'another period',
      ['key_1', '--limit', '5', '--per', 'hour'],
      /^Error: Expected --per=hour to be one of: day, week, month/,
    ],
    ['an unknown time zone', ['key_1', '--limit', '5', '--tz', 'Europe/Berln'], /^Error: Unknown time zone/],
  ])('%s is wrong usage and sets nothing', async (_name, args, message) => {
    expect(await run('quotas', 'set', ...args)).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    })
    expect((await json('quotas', 'list')).quotas).toEqual([])
  })

  test('what code set for a key or a customer without requests can be changed and removed', async () => {
    const usage = await openUsage(env['DATABASE_URL'])
    const { id } = testKey(77, 'later')
    await usage.setQuota({ keyId: id, unit: 'requests', per: 'day', limit: 5 })
    await usage.setQuota({ owner: 'New Ltd', unit: 'requests', per: 'day', limit: 5n })
    expect((await usage.findQuotas({ owners: ['New Ltd'] })).quotas).toMatchObject([{ used: 0n, limit: 5n }])
    await usage.close()
    expect((await json('quotas', 'list')).quotas.map(({ name }: { name: string }) => name)).toEqual([
      id,
      'New Ltd',
    ])
    expect(await run('quotas', 'set', id, '--per', 'day', '--limit', '6')).toMatchObject({ code: 0 })
    expect(await run('quotas', 'remove', id, '--per', 'day')).toMatchObject({ code: 0 })
    expect(await run('quotas', 'remove', '--owner', 'New Ltd', '--per', 'day')).toMatchObject({ code: 0 })
    expect((await json('quotas', 'list')).quotas).toEqual([])
  })

  test('follow a rename, and the new name keeps its own', async () => {
    await run('quotas', 'set', '--owner', 'Acme', '--limit', '100')
    await run('quotas', 'set', '--owner', 'Hooli', '--limit', '7')
    expect(await run('customers', 'rename', 'Acme', 'Acme plc')).toMatchObject({ code: 0, stderr: '' })
    expect((await json('quotas', 'list')).quotas).toMatchObject([{ owner: 'Hooli' }, { owner: 'Acme plc' }])
    expect((await run('customers', 'rename', 'Acme plc', 'Hooli')).stderr).toBe(
      'Note: Hooli had the same quotas, which stay; those of Acme plc are gone.\n',
    )
    expect((await json('quotas', 'list')).quotas).toMatchObject([{ owner: 'Hooli', limit: '7', used: '90' }])
  })
})
