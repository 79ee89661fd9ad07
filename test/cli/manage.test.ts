import { beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile app', owner: 'acme' })
const partner = testKey(2, 'part…77aa')
const ROWS = [
  { key: acme, bucket: '2026-01-01T10:00Z', requests: 1200 },
  { key: acme, bucket: '2026-01-01T11:00Z', requests: 300 },
  { key: acme, bucket: '2026-03-01T10:00Z', requests: 40 },
  { key: partner, bucket: '2026-01-01T10:00Z', requests: 5 },
]

forEachDatabase('prune and keys', (_kind, makeUrl) => {
  let env: Record<string, string>
  const run = (...args: string[]) => runCli(args, { env })
  const stored = async () => {
    const { stdout } = await run('export', '--columns', 'keyLabel,bucketMinutes,requestCount')
    return stdout.trimEnd().split('\r\n').slice(1)
  }

  beforeEach(async () => {
    env = { DATABASE_URL: await makeUrl() }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })

  test('shows the numbers before it prunes, and prunes what ended by the date', async () => {
    const { code, stdout, stderr } = await run('prune', '--before', '2026-02-01', '--yes')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Pruned 3 rows with 1,505 requests.\n' })
    expect(stderr).toMatch(
      /^Deletes 3 rows with 1,505 requests, from 2026-01-01 10:00 to 2026-01-01 12:00 \(UTC\) in .*, before 2026-02-01 00:00 \(UTC\)\.\n$/,
    )
    expect(await stored()).toEqual(['sk_l…9f2a,60,40'])
  })

  test('changes nothing with --dry-run', async () => {
    const { code, stderr } = await run('prune', '--before', '2026-02-01', '--dry-run')
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Deletes 3 rows') })
    expect(await stored()).toHaveLength(4)
  })

  test('needs --yes where it cannot ask', async () => {
    const { code, stderr } = await run('prune', '--before', '2026-02-01')
    expect(code).toBe(2)
    expect(stderr).toContain('Error: There is no terminal to ask on. Pass --yes to go ahead.\n')
    expect(await stored()).toHaveLength(4)
  })

  test('prunes the rows of one key', async () => {
    const { stdout } = await run('prune', '--before', '2026-02-01', '--key', 'part', '--yes', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ rows: 1, requests: 5, done: true })
    expect(await stored()).toHaveLength(3)
  })

  test('rolls hour rows up into day rows and keeps every request', async () => {
    const { code, stdout } = await run('prune', '--before', '2026-02-01', '--roll-up', 'day', '--yes')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Rolled 3 rows up into 2 day rows; 1,505 requests, as before.\n',
    })
    expect((await stored()).sort()).toEqual(['part…77aa,1440,5', 'sk_l…9f2a,1440,1500', 'sk_l…9f2a,60,40'])
  })

  test('rolls the rows of one key up', async () => {
    const rollUp = ['prune', '--before', '2026-02-01', '--roll-up', 'day', '--key', 'part', '--yes']
    const { code, stdout, stderr } = await run(...rollUp)
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Rolled 1 row up into 1 day row; 5 requests, as before.\n',
    })
    expect(stderr).toContain('Looks at 1 row with 5 requests of part…77aa, from')
    expect((await stored()).filter((row) => row.includes(',1440,'))).toEqual(['part…77aa,1440,5'])
  })

  test('says when there is nothing to prune', async () => {
    const { code, stderr } = await run('prune', '--before', '2020-01-01', '--yes')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^There is nothing to prune in /),
    })
  })

  test.each([
    [[], 'Pass --before or --older-than.'],
    [['--older-than', 'old', '--yes'], 'Cannot read "old" as an age. Use one such as 90d or 4w.'],
    [['--before', 'then', '--yes'], 'Cannot read "then" as a period.'],
    [
      ['--before', '2099-01-01', '--yes'],
      '--before 2099-01-01 is later than now: that would prune everything.',
    ],
    [['--before', '2026-01-01', '--older-than', '90d'], 'Pass either --before or --older-than, not both.'],
  ])('refuses prune %j', async (args, message) => {
    const { code, stderr } = await run('prune', ...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^Error: [^\n]*\n$/)
    expect(stderr).toContain(message)
  })

  test('lists keys, last used first, with a total', async () => {
    const { code, stdout } = await run('keys', 'list')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Name +Label +Owner +First seen +Last used +Requests 30d +Id$/m)
    expect(stdout).toMatch(/^Mobile app +sk_l…9f2a +acme +2026-01-01 10:00 /m)
    expect(stdout).toMatch(/^Total of 2 /m)
    const listed = JSON.parse((await run('keys', 'list', '--owner', 'acme', '--json')).stdout)
    expect(listed.keys).toEqual([
      {
        ...acme,
        firstSeenAt: '2026-01-01T10:00:00.000Z',
        lastUsedAt: expect.any(String),
        requestCount: expect.any(Number),
      },
    ])
  })

  test('lists only keys not used for some time', async () => {
    const now = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString()
    await storeUsage(env['DATABASE_URL']!, [{ key: testKey(3, 'fresh'), bucket: now, requests: 1 }])
    const labels = async (...args: string[]) =>
      JSON.parse((await run('keys', 'list', '--json', ...args)).stdout).keys.map(
        ({ label }: { label: string }) => label,
      )
    expect(await labels()).toContain('fresh')
    expect(await labels('--unused-for', '1d')).not.toContain('fresh')
    expect((await run('keys', 'list', '--unused-for', '9999w')).stdout).toMatch(/\n\nNo keys match\.\n$/)
  })

  test.each([
    [['--owner', 'acmee'], 'No key has the owner "acmee". Did you mean acme?'],
    [['--unused-for', '5'], 'Cannot read "5" as an age. Use one such as 90d or 4w.'],
  ])('refuses to list the keys of %j', async (args, message) => {
    expect(await run('keys', 'list', ...args)).toEqual({ code: 2, stdout: '', stderr: `Error: ${message}\n` })
  })

  test('names a key, and takes name and owner away', async () => {
    const named = await run('keys', 'name', 'part', '--name', 'Partner', '--owner', 'them')
    expect(named).toEqual({
      code: 0,
      stdout: `${partner.id} is Partner (part…77aa), owner them.\n`,
      stderr: '',
    })
    const cleared = await run('keys', 'name', 'Partner', '--name', '', '--owner', '')
    expect(cleared.stdout).toBe(`${partner.id} is part…77aa, owner (none).\n`)
  })

  test('forgets a key only when told to', async () => {
    const refused = await run('keys', 'forget', 'Mobile app')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('has 1,540 requests from 2026-01-01 10:00 to 2026-03-01 10:00 (UTC).')
    const { code, stdout } = await run('keys', 'forget', 'Mobile app', '--yes')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Forgot Mobile app (sk_l…9f2a): 3 rows with 1,540 requests.\n',
    })
    expect(await stored()).toEqual(['part…77aa,60,5'])
    expect((await run('keys', 'forget', 'Mobile app', '--yes')).code).toBe(2)
  })
})

forEachDatabase('verify', (_kind, makeUrl) => {
  let env: Record<string, string>
  const run = (...args: string[]) => runCli(args, { env })

  beforeEach(async () => {
    env = { DATABASE_URL: await makeUrl() }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })

  test('accounts for every request, also after prune, roll-up and forget', async () => {
    await run('prune', '--before', '2026-02-01', '--roll-up', 'day', '--yes')
    await run('keys', 'forget', 'part', '--yes')
    await run('prune', '--before', '2026-02-01', '--yes')
    const { code, stdout, stderr } = await run('verify')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^In the table +40$/m)
    expect(stdout).toMatch(/^Pruned or forgotten on purpose +1,505$/m)
    expect(stdout).toMatch(/^Delivered, as the ledger has it +1,545$/m)
    expect(stdout).toMatch(/^OK: every counted request is accounted for\.$/m)
    const account = JSON.parse((await run('verify', '--json')).stdout)
    expect(account).toMatchObject({
      accountedFor: true,
      storedRequests: 40,
      prunedRequests: 1505,
      missingRequests: 0,
    })
  })

  test('exits with 1 and says by how much when somebody changed the rows', async () => {
    const db = await openDatabase(env['DATABASE_URL']!)
    await db.query('update api_key_analytics set request_count = request_count + 7 where request_count = 5')
    await db.close()
    const { code, stdout } = await run('verify')
    expect(code).toBe(1)
    expect(stdout).toContain('NOT OK: the table and what was pruned differ from what was delivered by 7')
    expect(await run('verify', '--json')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('"balanced": false'),
    })
  })

  test('exits with 1 and says which requests are missing, and so does an invoice', async () => {
    const db = await openDatabase(env['DATABASE_URL']!)
    await db.query('update api_key_analytics_ledger set missing = 12')
    await db.query(
      'insert into api_key_analytics_gaps select instance, 1000, 1012 from api_key_analytics_ledger',
    )
    await db.close()
    const { code, stdout } = await run('verify')
    expect(code).toBe(1)
    expect(stdout).toMatch(/ 12 +1,001 to 1,012 /)
    expect(stdout).toContain('NOT OK: 12 requests are missing.')
    const invoice = await run('report', '--billable', '2xx', '--month', '2026-01', '--format', 'csv')
    expect(invoice.stderr).toBe(
      'Note: 12 counted requests are missing from the database: see "apikey-analytics verify".\n' +
        'Note: 2026-01 is open: "apikey-analytics close" bills it.\n',
    )
  })

  test('names counts that came after their time was rolled up, and rolls them up the next time', async () => {
    const rollUp = ['prune', '--before', '2026-02-01', '--roll-up', 'day', '--yes']
    await run(...rollUp)
    await storeUsage(env['DATABASE_URL']!, [{ key: acme, bucket: '2026-01-05T10:00Z', requests: 8 }])
    const late = 'Late: 8 requests from before 2026-02-01 00:00 came after that time was rolled up.'
    expect(await run('verify')).toMatchObject({ code: 0, stdout: expect.stringContaining(late) })
    expect((await run(...rollUp)).stdout).toContain('Rolled 1 row up into 1 day row; 8 requests')
    const { code, stdout } = await run('verify')
    expect(code).toBe(0)
    expect(stdout).not.toContain('Late:')
  })

  test('names counts that came after their time was pruned', async () => {
    await run('prune', '--before', '2026-02-01', '--yes')
    await storeUsage(env['DATABASE_URL']!, [{ key: acme, bucket: '2026-01-05T10:00Z', requests: 8 }])
    const { code, stdout } = await run('verify')
    expect(code).toBe(0)
    expect(stdout).toContain('Late: 8 requests from before 2026-02-01 00:00 came after that time was pruned.')
  })
})

forEachDatabase('migrate', (_kind, makeUrl) => {
  test('shows what is pending, applies it once, and takes it back when told to', async () => {
    const env = { DATABASE_URL: await makeUrl({ migrated: false }) }
    const run = (...args: string[]) => runCli(['migrate', ...args], { env })
    expect((await run()).stdout).toMatch(/^Applied 202611_create_tables to /)
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining(' is up to date.\n') })
    expect(await run('--check')).toMatchObject({ code: 0, stderr: '' })

    expect(await run('--down')).toMatchObject({ code: 2, stderr: expect.stringContaining('Pass --yes') })
    expect((await run('--down', '--yes')).stdout).toMatch(/^Took 202611_create_tables back in /)
    expect(await run('--check')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Pending in .*202611/),
    })
    const unmigrated = await runCli(['report'], { env })
    expect(unmigrated).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('is not migrated'),
    })

    const { code, stdout } = await run('--dry-run')
    expect(code).toBe(0)
    expect(stdout).toContain('\ncreate table api_key_analytics (\n')
    expect((await run('--check', '--json')).stdout).toContain('"202611_create_tables"')
  })

  test('may run from several processes at once', async () => {
    const env = { DATABASE_URL: await makeUrl({ migrated: false }) }
    const results = await Promise.all([1, 2, 3].map(() => runCli(['migrate'], { env })))
    expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      [1, 2, 3].map(() => ({ code: 0, stderr: '' })),
    )
    expect(results.filter(({ stdout }) => stdout.startsWith('Applied'))).toHaveLength(1)
  })
})
