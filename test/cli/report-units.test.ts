import { beforeAll, expect, test } from 'vitest'
import CustomersList from '../../src/cli/commands/customers/list.ts'
import Report from '../../src/cli/commands/report.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const MOST = Number.MAX_SAFE_INTEGER
const acme = testKey(1, 'acme-1', { owner: 'Acme' })
const globex = testKey(2, 'globex-1', { owner: 'Globex' })
const ROWS = [
  { key: acme, bucket: '2026-08-01T10:00Z', requests: 1, quantities: { tokens: 1, rows: 2 } },
  { key: acme, bucket: '2026-09-05T10:00Z', requests: 10, quantities: { tokens: 500 } },
  { key: acme, bucket: '2026-10-05T10:00Z', requests: 10, quantities: { tokens: 1000 } },
  { key: acme, bucket: '2026-10-06T10:00Z', requests: 5, status: 500, quantities: { tokens: 30 } },
  {
    key: globex,
    bucket: '2026-10-05T11:00Z',
    endpoint: '/answers',
    requests: 1,
    quantities: { tokens: MOST },
  },
  {
    key: globex,
    bucket: '2026-10-07T11:00Z',
    endpoint: '/answers',
    requests: 0,
    quantities: { tokens: MOST },
  },
  { key: globex, bucket: '2026-10-08T11:00Z', requests: 900 },
]
const GLOBEX = BigInt(MOST) * 2n
const TOTAL = GLOBEX + 1030n
const text = (count: bigint) => count.toLocaleString('en-US')
const DIMENSIONS = ['key', 'owner', 'endpoint', 'path', 'method', 'status', 'hour', 'day', 'week', 'month']

forEachDatabase('report --unit', (_kind, makeUrl) => {
  let database: string[]
  beforeAll(async () => {
    const url = await makeUrl()
    await storeUsage(url, ROWS)
    database = ['--database', url, '--data-dir', EMPTY_DATA_DIR]
  })
  const report = async (...args: string[]) => runCommand(Report, ['--month', '2026-10', ...args, ...database])
  const tokens = async (...args: string[]) => {
    const { code, stdout } = await report('--unit', 'tokens', ...args)
    expect({ code, args }).toEqual({ code: 0, args })
    // runCommand keeps bytes as Latin-1
    return Buffer.from(stdout, 'latin1').toString('utf8')
  }
  const json = async (...args: string[]) => JSON.parse(await tokens('--format', 'json', ...args))

  test('counts it in the overview: total, chart, lists and the requests that used it', async () => {
    const shown = await tokens()
    expect(shown).toMatch(/^Usage overview \(unit tokens\) · 2026-10-01/)
    expect(shown).toContain(`${text(TOTAL)} tokens (+`)
    expect(shown).toContain('against 500 from 2026-09-01 00:00 to 2026-10-01 00:00)')
    expect(shown).toContain('16 requests · 2 keys · 2 endpoints')
    expect(shown).toContain('Tokens per day')
    // the highest bar, to the last digit
    expect(shown).toContain(`${text(BigInt(MOST) + 1000n)} ┤`)
    expect(shown).toMatch(new RegExp(`Globex +${text(GLOBEX)} +1 +>99\\.9%`))
    expect(shown).toMatch(/Acme +1,030 +15 +<0\.1% +33\.3%/)
  })

  test.each(DIMENSIONS)('adds up by %s, in every format', async (by) => {
    const { total, sections, unit } = await json('--by', by)
    expect({ unit, ...total }).toMatchObject({ unit: 'tokens', quantity: String(TOTAL), requests: 16 })
    const groups: { quantity: string; share: number; trend?: string[] }[] = sections[0].groups
    expect(groups.reduce((sum, { quantity }) => sum + BigInt(quantity), 0n)).toBe(TOTAL)
    for (const { trend, quantity } of groups)
      if (trend) expect(trend.reduce((sum, step) => sum + BigInt(step), 0n)).toBe(BigInt(quantity))
    const csv = await tokens('--by', by, '--format', 'csv')
    const [head, ...lines] = csv
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','))
    const column = (name: string) => lines.map((line) => line[head!.indexOf(name)])
    expect(column('quantity')).toEqual(groups.map(({ quantity }) => quantity))
    expect(new Set(column('unit'))).toEqual(new Set(['tokens']))
    expect(head).not.toContain('meanDurationMs')
    for (const format of ['table', 'markdown']) {
      const shown = await tokens('--by', by, '--format', format)
      for (const { quantity } of groups) expect(shown).toContain(text(BigInt(quantity)))
      expect(shown).toContain(text(TOTAL))
    }
  })

  test('makes a matrix of two dimensions', async () => {
    const shown = await tokens('--by', 'owner,day')
    expect(shown).toMatch(
      new RegExp(`Globex +${text(BigInt(MOST))} +${text(BigInt(MOST))} +${text(GLOBEX)}\n`),
    )
    expect(shown).toMatch(/Acme +1,000 +30 +1,030\n/)
    expect(shown).toMatch(new RegExp(`Total +.* ${text(TOTAL)}\n`))
    const cut = await tokens('--by', 'owner,day', '--limit', '1')
    expect(cut).toContain('More owners with 1,030 tokens: use --limit 0 to see all.')
  })

  test('compares it with the period before', async () => {
    const shown = await tokens('--by', 'key', '--compare', 'previous', '--owner', 'Acme')
    expect(shown).toContain('1,030 tokens, +106.0% against 500')
    const { sections } = await json('--by', 'key', '--compare', 'previous')
    expect(sections[0].groups).toMatchObject([
      { quantity: String(GLOBEX), previousQuantity: '0', change: null },
      { quantity: '1030', previousQuantity: '500', previousRequests: 10, change: 1.06 },
    ])
  })

  test('has the views of a key, a customer and an endpoint', async () => {
    expect(await tokens('--key', 'globex-1')).toMatch(/^Endpoints of globex-1 \(unit tokens\)/)
    expect(await tokens('--owner', 'Acme')).toContain('1,030 tokens')
    const callers = await tokens('--endpoint', '/answers')
    expect(callers).toMatch(/^Who calls \/answers \(unit tokens\)/)
    expect(callers).not.toContain('acme-1')
  })

  test('is in the order of quantities, or of requests', async () => {
    const labels = async (...args: string[]) =>
      (await json('--by', 'key', ...args)).sections[0].groups.map(
        (group: { key: { label: string } }) => group.key.label,
      )
    expect(await labels()).toEqual(['globex-1', 'acme-1'])
    expect(await labels('--sort', 'requests')).toEqual(['acme-1', 'globex-1'])
    expect(await labels('--limit', '1')).toEqual(['globex-1'])
    expect(await tokens('--by', 'key', '--limit', '1')).toContain('1 more with 1,030 tokens')
  })

  test('gives invoice lines of it', async () => {
    const csv = await tokens('--billable', '2xx', '--format', 'csv')
    expect(csv.split('\r\n')[0]).toContain(',method,endpoint,unit,quantity,requests,since,')
    expect(csv).toContain(`,GET,/answers,tokens,${GLOBEX},1,2026-10-01`)
    expect(csv).toContain(',GET,/users/:id,tokens,1000,10,2026-10-01')
  })

  test('says what a month without it has, and since when it was counted', async () => {
    const { stdout } = await report('--unit', 'rows', '--by', 'key')
    expect(stdout).toContain('No rows in this period.')
    expect(stdout).not.toContain('History')
    const before = await runCommand(Report, [
      '--month',
      '2026-07',
      '--unit',
      'rows',
      '--by',
      'key',
      ...database,
    ])
    expect(before.stdout).toContain('Note: History of rows begins on 1 August 2026')
  })

  test.each([
    [['--unit', 'token'], 'Did you mean tokens? This database has rows, tokens.'],
    [['--unit', 'bytes'], 'No quantity of "bytes" was ever counted. This database has rows, tokens.'],
    [['--unit', 'requests'], 'Requests are counted without a unit: leave it out.'],
    [['--unit', 'tokens', '--latency'], 'A quantity has no durations'],
    [['--sort', 'quantity'], '--sort quantity needs --unit.'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await report(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  test('lists customers by it', async () => {
    const list = async (...args: string[]) =>
      (await runCommand(CustomersList, ['--month', '2026-10', ...args, ...database])).stdout
    expect(await list('--unit', 'tokens')).toMatch(
      new RegExp(`Globex +1 +${text(GLOBEX)} [^]*Acme +1 +1,030 `),
    )
    const csv = await list('--unit', 'tokens', '--format', 'csv')
    expect(csv).toContain(`\r\nGlobex,1,tokens,${GLOBEX},1,`)
    expect(await list('--format', 'csv')).toMatch(/^owner,keys,requests,share/)
  })
})

forEachDatabase('report --unit where no app has units', (_kind, makeUrl) => {
  test('says how to have some', async () => {
    const url = await makeUrl()
    await storeUsage(url, [{ key: acme, bucket: '2026-10-05T10:00Z', requests: 1 }])
    const { code, stderr } = await runCommand(Report, [
      '--unit',
      'tokens',
      '--database',
      url,
      '--data-dir',
      EMPTY_DATA_DIR,
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('This database has no units: an app declares them with the option "units".')
  })
})
