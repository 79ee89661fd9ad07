import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import readWorkbook from 'read-excel-file/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { runByHand } from '../support/databases/replace-database.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const shop = testKey(1, 'key_shop', { owner: 'Acme' })
const books = testKey(2, 'a_books', { owner: 'Acme', name: 'Books' })
const handed = (owner: string) => testKey(3, 'key_handed', { owner })
const PRICES = {
  currency: 'EUR',
  prices: [
    { unit: 'requests', endpoint: 'POST *', price: '0.015' },
    { unit: 'requests', free: '100', tiers: [{ upTo: '200', price: '0.01' }, { price: '0.001' }] },
    { unit: 'tokens', price: '0.0007' },
  ],
}
const ROWS = [
  { key: shop, bucket: '2026-09-01T00:00Z', requests: 151, quantities: { tokens: 77 } },
  { key: shop, bucket: '2026-09-02T00:00Z', method: 'POST', endpoint: '/orders', requests: 3 },
  { key: shop, bucket: '2026-09-02T01:00Z', status: 500, requests: 90 },
  { key: books, bucket: '2026-09-02T00:00Z', requests: 170, quantities: { rows: 5 } },
  { key: handed('Acme'), bucket: '2026-09-03T00:00Z', requests: 33 },
  { key: handed('Beta'), bucket: '2026-09-20T00:00Z', requests: 120, quantities: { tokens: 999 } },
  { key: testKey(4, 'key_nobody'), bucket: '2026-09-20T00:00Z', requests: 101 },
]

forEachDatabase('prices', (_kind, makeUrl) => {
  let url: string
  let folder: string
  const run = (...args: string[]) =>
    runCli([...args, '--database', url, '--data-dir', folder], { cwd: folder })
  const report = (...args: string[]) =>
    run('report', '--billable', '2xx', '--month', '2026-09', '--prices', 'prices.json', ...args)

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-prices-'))
    writeFileSync(join(folder, 'prices.json'), JSON.stringify(PRICES, undefined, 2))
    url = await makeUrl()
    await storeUsage(url, ROWS)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('of an open month are those of its statement, line by line and in all', async () => {
    const before = JSON.parse((await report('--json')).stdout)
    expect(before.notes).toContainEqual('2026-09 is open: "apikey-analytics close" bills it.')
    const csv = (await report('--format', 'csv')).stdout.trim().split('\r\n')
    expect(await run('close', '--month', '2026-09', '--billable', '2xx')).toMatchObject({ code: 0 })
    const { stdout } = await run('statements', 'show', '1', '--prices', 'prices.json', '--format', 'json')
    const statement = JSON.parse(stdout)
    expect(before.prices).toEqual({
      currency: 'EUR',
      total: statement.total,
      customers: expect.arrayContaining(statement.customers),
    })
    expect(statement.customers).toContainEqual({ owner: 'Acme', amount: '2.14' })
    expect(before.prices.customers).toHaveLength(3)
    type Line = { keyId?: string; key: { id: string }; endpoint: string; method: string; unit: string }
    const nameOf = (line: Line & { owner?: string | null; amount: string | null; quantity: string }) =>
      [line.keyId ?? line.key.id, line.method, line.endpoint, line.unit, line.quantity, line.amount].join(' ')
    const lines = before.sections[0].groups.map(nameOf)
    expect(lines.toSorted()).toEqual(statement.lines.map(nameOf).toSorted())
    expect(csv[0]).toMatch(
      /^keyId,keyLabel,keyName,keyOwner,method,endpoint,unit,quantity,amount,currency,since/,
    )
    expect(csv).toHaveLength(lines.length + 1)
    // the sum over all lines is the total: requests are on their own lines only
    const requests = before.sections[0].groups.reduce(
      (sum: number, group: { requests: number }) => sum + group.requests,
      0,
    )
    expect(requests).toBe(before.total.requests)
    expect((await report()).stdout).toContain('2026-09 is closed: what was billed is in statement 1')
  })

  test('are in every format', async () => {
    const table = (await report('--limit', '2')).stdout
    expect(table).toMatch(/Key +Method +Path +Unit +Quantity +Amount \(EUR\)/)
    expect(table).toMatch(/Books \(a_books\) +GET +\/users\/:id +requests +170 +0\.70/)
    expect(table).toMatch(/Books \(a_books\) +GET +\/users\/:id +rows +5\s*\n/)
    expect(table).toContain('7 more with')
    expect(table).toContain('1 more customer: use --limit 0 to see all.')
    expect(table).toContain('Note: 1 line has no price (rows): no rule of the price list fits.')
    const markdown = (await report('--format', 'markdown')).stdout
    expect(markdown).toMatch(
      /\| Key \| Method \| Path \| Unit \| Quantity \| Amount \\\(EUR\\?\) \||\| Amount \(EUR\) \|/,
    )
    expect(markdown).toMatch(/\| Acme \| 2\.14 \|/)
    await report('--format', 'xlsx', '--out', 'prices.xlsx')
    const [sheet] = await readWorkbook(readFileSync(join(folder, 'prices.xlsx')))
    const [head, ...rows] = sheet!.data
    const amount = head!.indexOf('amount')
    expect(rows.map((row) => row[amount])).toContain(0.7)
    const { stdout, stderr } = await report('--format', 'csv', '--csv-separator', ';')
    expect(stdout).toMatch(/;requests;170;0\.70;EUR;/)
    expect(stderr).toContain('Note: 1 line has no price')
  })

  test('of one customer are the same as beside others', async () => {
    const { prices } = JSON.parse((await report('--owner', 'Acme', '--json')).stdout)
    expect(prices).toMatchObject({ total: '2.14', customers: [{ owner: 'Acme', amount: '2.14' }] })
  })

  test('of a correction are what it adds to its own month, also after the customer was renamed', async () => {
    await storeUsage(url, [
      { key: shop, bucket: '2026-09-05T00:00Z', requests: 10 },
      { key: handed('Beta'), bucket: '2026-09-21T00:00Z', requests: 10 },
      { key: shop, bucket: '2026-10-01T00:00Z', requests: 1 },
    ])
    await run('customers', 'rename', 'Acme', 'Acme Corp')
    expect(await run('close', '--month', '2026-10', '--billable', '2xx')).toMatchObject({ code: 0 })
    const { stdout } = await run('statements', 'show', '2', '--prices', 'prices.json', '--format', 'json')
    const corrections = JSON.parse(stdout).lines.filter(({ kind }: { kind: string }) => kind === 'correction')
    expect(
      corrections.map(({ owner, amount }: Record<string, string>) => [owner, amount]).toSorted(),
    ).toEqual([
      // 354 before, of its three keys: in the cheapest tier
      ['Acme Corp', '0.01'],
      // 120 before: the time of the former owner does not count
      ['Beta', '0.10'],
    ])
  })

  test('of a correction that takes back are numbers in CSV, not texts', async () => {
    // only somebody who takes counts away by hand makes one, and then close refuses: so the printed line is changed here
    await runByHand(
      url,
      'update api_key_analytics_statement_lines set quantity = -100 where statement = 2 and period = 1',
    )
    const { stdout } = await run('statements', 'show', '2', '--prices', 'prices.json', '--format', 'csv')
    expect(stdout).toMatch(/,requests,-100,-\d\.\d\d,EUR\r\n/)
  })

  test.each([
    [['report', '--prices', 'prices.json'], '--prices prices invoice lines and needs --billable'],
    [
      ['report', '--billable', '2xx', '--month', '2026-09', '--prices', 'none.json'],
      'Cannot read none.json (ENOENT). Check --prices.',
    ],
    [
      ['report', '--billable', '2xx', '--month', '2026-09', '--prices', 'wrong.json'],
      'wrong.json line 6: a price is a decimal number as text, such as "0.002".',
    ],
    [
      ['report', '--billable', '2xx', '--month', '2026-09', '--prices', 'prices.json', '--key', 'key_shop'],
      'Use --owner with --prices, not --key',
    ],
    [
      ['statements', 'show', '1', '--prices', 'prices.json', '--key', 'key_shop'],
      'Use --owner with --prices, not --key',
    ],
  ])('wrong usage: %j', async (args, message) => {
    const wrong =
      '{\n"currency": "EUR",\n"prices": [\n{ "unit": "requests",\n"endpoint": "price",\n"price": 5 }\n]\n}'
    writeFileSync(join(folder, 'wrong.json'), wrong)
    expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })
})
