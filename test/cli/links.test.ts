import { beforeEach, describe, expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const old = testKey(1, 'sk_a…1111', { name: 'Mobile app', owner: 'acme' })
const renewed = testKey(2, 'sk_b…2222', { name: 'Mobile app', owner: 'acme' })
const shop = testKey(3, 'sk_c…3333', { name: 'Web shop', owner: 'globex' })
const ROWS = [
  { key: old, bucket: '2026-10-01T10:00Z', requests: 1200, status: 500 },
  { key: renewed, bucket: '2026-10-02T10:00Z', requests: 300 },
  { key: renewed, bucket: '2026-10-02T11:00Z', method: 'POST', endpoint: '/orders', requests: 40 },
  { key: shop, bucket: '2026-10-03T10:00Z', requests: 5 },
]
const OCTOBER = ['--month', '2026-10']

forEachDatabase('keys link', (_kind, makeUrl) => {
  let env: Record<string, string>
  const run = (...args: string[]) => runCli(args, { env })
  const read = async (...args: string[]) => (await run(...args)).stdout
  const json = async (...args: string[]) => JSON.parse(await read(...args, '--json'))
  const lines = (text: string) => text.trimEnd().split('\r\n')

  beforeEach(async () => {
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })

  test('says what it did, does it once, and keys unlink undoes it', async () => {
    const link = ['keys', 'link', 'sk_b', '--continues', 'sk_a']
    const line = 'Line of 2 keys: Mobile app (sk_a…1111), Mobile app (sk_b…2222).\n'
    expect(await run(...link)).toEqual({
      code: 0,
      stdout: `Mobile app (sk_b…2222) continues Mobile app (sk_a…1111). ${line}`,
      stderr: '',
    })
    expect(await run(...link)).toMatchObject({
      code: 0,
      stdout: `Mobile app (sk_b…2222) already continues Mobile app (sk_a…1111). ${line}`,
    })
    expect(await json(...link)).toMatchObject({
      changed: false,
      key: { id: renewed.id, continues: old.id },
      line: [{ id: old.id }, { id: renewed.id, continues: old.id }],
    })
    expect(await run('keys', 'unlink', 'sk_b')).toMatchObject({
      code: 0,
      stdout: 'Mobile app (sk_b…2222) no longer continues Mobile app (sk_a…1111).\n',
    })
    expect(await run('keys', 'unlink', 'sk_b')).toMatchObject({
      code: 0,
      stdout: 'Mobile app (sk_b…2222) has no link: nothing to undo.\n',
    })
    expect(await json('keys', 'unlink', 'sk_b')).toMatchObject({ changed: false, line: [{ id: renewed.id }] })
  })

  test.each([
    [['keys', 'link', 'sk_b', '--continues', 'sk_b'], 'A key cannot continue itself.'],
    [['keys', 'link', 'sk_b', '--continues', 'sk_x'], 'There is no key "sk_x".'],
    [['keys', 'link', 'sk_b'], 'Missing --continues.'],
    [['keys', 'link', 'sk_b', '--continues', 'sk_c'], 'The keys have different owners: acme and globex.'],
    [['keys', 'unlink', 'sk_x'], 'There is no key "sk_x".'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  test('links keys of different owners when it is told to, and says that usage by owner stays', async () => {
    const before = await json('report', '--by', 'owner', ...OCTOBER)
    const { stdout } = await run('keys', 'link', 'sk_c', '--continues', 'sk_b', '--across-owners')
    expect(stdout).toContain('Its keys have different owners: usage by owner stays with each of them.\n')
    expect(await json('report', '--by', 'owner', ...OCTOBER)).toEqual(before)
    expect(await read('report', '--by', 'key', ...OCTOBER)).toContain('Web shop (sk_c…3333), 2 keys')
  })

  describe('shows the line once', () => {
    beforeEach(() => run('keys', 'link', 'sk_b', '--continues', 'sk_a'))

    test('in a table, in a matrix and in the overview; --no-links shows the parts', async () => {
      const table = await read('report', '--by', 'key', ...OCTOBER)
      expect(table).toMatch(/Mobile app \(sk_b…2222\), 2 keys +1,540 /)
      expect(table).toContain('Total of 2 keys')
      expect(table).not.toContain('sk_a')
      const parts = await read('report', '--by', 'key', ...OCTOBER, '--no-links')
      expect(parts).toMatch(/Mobile app \(sk_a…1111\) +1,200 /)
      expect(parts).toMatch(/Mobile app \(sk_b…2222\) +340 /)
      expect(parts).toContain('Total of 3 keys')
      expect(await read('report', '--by', 'key,status', ...OCTOBER)).toMatch(
        /Mobile app \(sk_b…2222\), 2 keys +340 +1,200 +1,540/,
      )
      expect(await read('report', ...OCTOBER)).toMatch(/2 keys · /)
      expect(await read('report', ...OCTOBER, '--no-links')).toMatch(/3 keys · /)
    })

    test('in csv, json and markdown with the number of its keys', async () => {
      const csv = lines(await read('report', '--by', 'key', ...OCTOBER, '--format', 'csv'))
      expect(csv[0]).toMatch(/^keyId,keyLabel,keyName,keyOwner,keyCount,requests,/)
      expect(csv[1]).toMatch(`${renewed.id},sk_b…2222,Mobile app,acme,2,1540,`)
      expect(csv[2]).toMatch(`${shop.id},sk_c…3333,Web shop,globex,1,5,`)
      const { sections } = await json('report', '--by', 'key', ...OCTOBER)
      expect(
        sections[0].groups.map((group: { key: object; requests: number }) => [group.key, group.requests]),
      ).toEqual([
        [{ id: renewed.id, label: 'sk_b…2222', name: 'Mobile app', owner: 'acme', keyCount: 2 }, 1540],
        [{ id: shop.id, label: 'sk_c…3333', name: 'Web shop', owner: 'globex' }, 5],
      ])
      expect(await read('report', '--by', 'key', ...OCTOBER, '--format', 'markdown')).toContain(
        '| Mobile app (sk\\_b…2222), 2 keys | 1,540 |',
      )
    })

    test('in a report of one of its keys, with a line in the heading', async () => {
      const heading =
        'Line of 2 keys: Mobile app (sk_a…1111), Mobile app (sk_b…2222). --no-links shows Mobile app (sk_a…1111) alone.'
      const args = ['report', '--key', 'sk_a', ...OCTOBER]
      const table = (await read(...args)).split('\n')
      expect(table[0]).toMatch(/^Endpoints of Mobile app \(sk_a…1111\) · /)
      expect(table[1]).toBe(heading)
      expect(table.join('\n')).toMatch(/GET \/users\/:id +1,500 /)
      expect(await read(...args, '--format', 'markdown')).toContain(`- ${heading.replaceAll('_', '\\_')}\n`)
      expect((await run(...args, '--format', 'csv')).stderr).toContain(`Note: ${heading}\n`)
      expect(await json(...args)).toMatchObject({
        line: [{ id: old.id }, { id: renewed.id }],
        total: { requests: 1540 },
      })
      const alone = await json(...args, '--no-links')
      expect(alone).toMatchObject({ total: { requests: 1200 } })
      expect(alone).not.toHaveProperty('line')
      expect(await read(...args, '--no-links')).not.toContain('Line of')
    })

    test('in no invoice: it has lines of each key, as statements have', async () => {
      const invoice = ['report', '--billable', '2xx,5xx', ...OCTOBER, '--format', 'csv']
      const csv = lines(await read(...invoice))
      expect(csv[0]).not.toContain('keyCount')
      expect(csv.slice(1).map((line) => line.split(',')[1])).toEqual([
        'sk_a…1111',
        'sk_b…2222',
        'sk_b…2222',
        'sk_c…3333',
      ])
      const { stdout, stderr } = await run(...invoice, '--key', 'sk_a')
      expect(lines(stdout)).toHaveLength(2)
      expect(stderr).toContain(
        'An invoice has lines of single keys: these are those of Mobile app (sk_a…1111).',
      )
      expect((await run(...invoice, '--no-links')).stderr).toContain('leave --no-links out')
    })

    test('in keys list, which lists each key with the one that it continues', async () => {
      expect(await read('keys', 'list')).toMatch(/sk_b…2222 .* Mobile app \(sk_a…1111\) /)
      const { keys } = await json('keys', 'list')
      expect(
        keys.map(({ label, continues }: { label: string; continues?: string }) => [label, continues]),
      ).toEqual([
        ['sk_c…3333', undefined],
        ['sk_b…2222', old.id],
        ['sk_a…1111', undefined],
      ])
      await run('keys', 'unlink', 'sk_b')
      expect(await read('keys', 'list')).not.toContain('Continues')
    })

    test('in an export of one of its keys, whose rows stay as they are stored', async () => {
      const columns = ['--columns', 'keyLabel,keyLine,requestCount']
      const rows = ['keyLabel,keyLine,requestCount', `sk_a…1111,${renewed.id},1200`]
      const { stdout, stderr } = await run('export', '--key', 'sk_b', ...columns)
      expect(lines(stdout)).toEqual([...rows, `sk_b…2222,${renewed.id},300`, `sk_b…2222,${renewed.id},40`])
      expect(stderr).toContain('Note: Line of 2 keys: ')
      expect(lines(await read('export', '--key', 'sk_a', '--no-links', ...columns))).toEqual(rows)
      expect(lines(await read('export', ...columns)).at(-1)).toBe(`sk_c…3333,${shop.id},5`)
      expect(lines(await read('export'))[0]).not.toContain('keyLine')
      const grouped = ['export', '--by', 'key', '--columns', 'keyLabel,keyCount,requestCount']
      expect(lines(await read(...grouped)).slice(1)).toEqual(['sk_b…2222,2,1540', 'sk_c…3333,1,5'])
      expect(lines(await read(...grouped, '--no-links'))).toHaveLength(4)
    })

    test('in quotas', async () => {
      const { stdout } = await run('quotas', 'set', 'sk_a', '--limit', '2000', '--per', 'month')
      expect(stdout).toContain('The line of Mobile app (sk_a…1111), 2 keys, may use 2,000 requests per month')
      expect(await read('quotas', 'list')).toContain('Mobile app (sk_b…2222), 2 keys')
      expect(await read('quotas', 'remove', 'sk_b')).toContain('has no quota of requests per month any more.')
      expect(await read('quotas', 'list')).not.toContain('sk_b')
    })

    test('in customers list: a line is one key', async () => {
      const { customers } = await json('customers', 'list', ...OCTOBER)
      expect(customers.map(({ owner, keys }: { owner: string; keys: number }) => [owner, keys])).toEqual([
        ['acme', 1],
        ['globex', 1],
      ])
    })

    test('until one of its keys is forgotten: that one alone is deleted', async () => {
      const { stdout, stderr } = await run('keys', 'forget', 'sk_a', '--yes')
      expect(stderr).toContain('has 1,200 requests from')
      expect(stdout).toContain('Forgot Mobile app (sk_a…1111): 1 row with 1,200 requests.')
      expect(await json('report', '--key', 'sk_b', ...OCTOBER)).toMatchObject({ total: { requests: 340 } })
    })

    test('and --no-links is refused where it would change nothing', async () => {
      for (const args of [
        ['report', '--by', 'status', '--no-links'],
        ['export', '--no-links'],
      ]) {
        const { code, stderr } = await run(...args)
        expect(code).toBe(2)
        expect(stderr).toMatch(/--no-links changes \w+ of a --key or by key: leave it out\./)
      }
    })
  })
})
