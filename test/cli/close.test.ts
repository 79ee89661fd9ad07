import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openUsage } from '../../src/index.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-close-'))
  for (const name of ['billing', 'other']) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    writeFileSync(join(folder, `${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(join(folder, `${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }))
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

forEachDatabase('the month-end', (_kind, makeUrl) => {
  let url: string
  const run = (...args: string[]) =>
    runCli([...args, '--database', url, '--data-dir', folder], { cwd: folder })

  beforeAll(async () => {
    url = await makeUrl()
    await storeUsage(url, [
      { key: testKey(1, 'key_shop', { owner: 'Acme' }), bucket: '2026-09-01T00:00Z', requests: 1500 },
      { key: testKey(2, 'key_cron', { owner: 'Globex' }), bucket: '2026-09-02T00:00Z', requests: 7 },
      {
        key: testKey(2, 'key_cron', { owner: 'Globex' }),
        bucket: '2026-09-02T01:00Z',
        requests: 3,
        status: 500,
      },
    ])
  })

  test('a dry run shows the statement and changes nothing', async () => {
    const { code, stdout } = await run('close', '--month', '2026-09', '--billable', '2xx', '--dry-run')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        'Would close 2026-09 (UTC) as statement 1. Nothing was changed.\n  1,507 requests; 2 lines of 2 keys\n',
    })
    expect(await run('statements', 'list')).toMatchObject({
      stdout: expect.stringMatching(/^No period was closed yet/),
    })
    const open = await run('report', '--billable', '2xx', '--month', '2026-09')
    expect(open.stdout).toContain('2026-09 is open: "apikey-analytics close" bills it.')
  })

  test('closes, once, and says so in reports', async () => {
    const closed = await run('close', '--month', '2026-09', '--billable', '2xx', '--sign', 'billing.key')
    expect(closed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Closed 2026-09 \(UTC\) as statement 1/),
    })
    expect(closed.stderr).toBe('')
    expect(await run('close', '--month', '2026-09', '--billable', '2xx')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^Error: 2026-09 \(UTC\) is not closed: it was closed already, by statement 1/,
      ),
    })
    const report = await run('report', '--billable', '2xx', '--month', '2026-09')
    expect(report.stdout).toContain('2026-09 is closed: what was billed is in statement 1')
    const open = await run('report', '--billable', '2xx', '--month', '2026-10')
    expect(open.stdout).toContain('2026-10 is open: "apikey-analytics close" bills it.')
    expect(await run('verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/requests +1,507 +0 +3 +1,510/),
    })
  })

  test('prints a customer the same file every time, which the customer can check without a database', async () => {
    for (const file of ['acme.json', 'again.json']) {
      const args = ['statements', 'show', '2026-09', '--owner', 'Acme', '--format', 'json', '--out', file]
      expect(await run(...args)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    }
    const text = readFileSync(join(folder, 'acme.json'), 'utf8')
    expect(readFileSync(join(folder, 'again.json'), 'utf8')).toBe(text)
    expect(text).not.toMatch(/Globex|key_cron|\b1507\b/)
    const check = (...args: string[]) => runCli(['statements', 'check', ...args], { cwd: folder })
    expect(await check('acme.json', '--public-key', 'billing.pub')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/OK: 1 statement with 1 line, nothing was changed\.\n$/),
    })
    expect(await check('acme.json', '--public-key', 'other.pub')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('signed with another key'),
    })
    writeFileSync(join(folder, 'wrong.json'), text.replace('"quantity":"1500"', '"quantity":"1400"'))
    expect(await check('wrong.json')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Line \d \(key .*, GET \/users\/:id, requests\): it was changed\.\n/),
    })
    expect(await check('absent.json')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Cannot read absent.json'),
    })
    expect(await run('statements', 'check')).toMatchObject({ code: 0 })
  })

  test('prices a statement', async () => {
    const prices = { currency: 'EUR', prices: [{ unit: 'requests', free: '500', price: '0.003' }] }
    writeFileSync(join(folder, 'prices.json'), JSON.stringify(prices))
    const { code, stdout } = await run(
      'statements',
      'show',
      '1',
      '--prices',
      'prices.json',
      '--format',
      'csv',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/1,usage,2026-09,Acme,.*,requests,1500,3\.00,EUR\r\n/)
    expect(stdout).toMatch(/2,usage,2026-09,Globex,.*,requests,7,0\.00,EUR\r\n/)
  })

  test.each([
    [['close', '--month', '2026-9', '--billable', '2xx'], 'Cannot read "2026-9" as a month'],
    [['close', '--week', '2026-W60', '--billable', '2xx'], 'Cannot read "2026-W60" as a week'],
    [['close', '--week', '2027-W53', '--billable', '2xx'], 'Cannot read "2027-W53" as a week'],
    [['close', '--day', '2026-02-30', '--billable', '2xx'], 'Cannot read "2026-02-30" as a day'],
    [
      ['close', '--month', '2026-08', '--billable', '2xx', '--accept-missing', 'Tokens=5'],
      'Cannot read "Tokens=5" as what is missing. Use a number of requests such as 12, or tokens=1200.',
    ],
    [
      ['close', '--month', '2026-08', '--billable', '2xx', '--accept-missing', '0'],
      'Cannot read "0" as what',
    ],
    [
      ['close', '--month', '2026-08', '--billable', '2xx', '--accept-missing', '1,requests=2'],
      'Pass --accept-missing once for requests.',
    ],
    [['close', '--month', '2026-08', '--billable', 'ok'], 'Cannot read "ok" as a status'],
    [['close', '--month', '2026-08', '--billable', ''], 'Cannot read "" as a status'],
    [['close', '--month', '2026-08', '--billable', '2xx,'], 'Cannot read "" as a status'],
    [
      ['close', '--month', '2026-08', '--billable', '2xx', '--sign', 'billing.pub'],
      'not a private Ed25519 key',
    ],
    [
      ['close', '--month', '2026-08', '--billable', '2xx', '--sign', 'none.key'],
      'Cannot read none.key (ENOENT)',
    ],
    [['statements', 'show', '9'], 'There is no statement 9. The last ones are 1 (2026-09)'],
    [['statements', 'show', '1', '--owner', 'Nobody'], 'Statement 1 has no line of the owner "Nobody"'],
    [['statements', 'show', '1', '--csv-separator', ';'], '--csv-separator needs --format csv'],
  ])('wrong usage: %j', async (args, message) => {
    expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })

  test('a customer without keys is forgotten on statements', async () => {
    await run('keys', 'name', 'key_cron', '--owner', 'Initech', '--from', '2026-01-01')
    expect(await run('keys', 'forget', '--owner', 'Globex', '--yes')).toMatchObject({ code: 0 })
    expect(await run('statements', 'show', '1', '--format', 'csv')).toMatchObject({
      stdout: expect.not.stringContaining('Globex'),
    })
    expect(await run('keys', 'forget', '--owner', 'Globex', '--yes')).toMatchObject({ code: 2 })
    expect(await run('statements', 'check')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The names of 1 accounts were blanked'),
    })
  })

  test('does the same from code', async () => {
    const usage = await openUsage(url)
    const order = { month: '2026-10', billable: ['2xx', 304], dataDir: folder } as const
    expect(await usage.closePeriod({ ...order, dryRun: true })).toMatchObject({ stored: false, refusals: [] })
    const key = readFileSync(join(folder, 'billing.key'), 'utf8')
    expect(await usage.closePeriod({ ...order, privateKey: key })).toMatchObject({
      stored: true,
      statement: { number: 2, billable: ['2xx', '304'] },
    })
    const [first] = await usage.findStatements()
    const document = await usage.readStatement(first!.statement.number, { owner: 'Acme' })
    expect(document.accounts).toMatchObject([{ owner: 'Acme', lines: [{ quantity: '1500' }] }])
    const publicKey = readFileSync(join(folder, 'billing.pub'), 'utf8')
    expect(await usage.checkStatement(document, { publicKey })).toMatchObject({ intact: true })
    expect(await usage.checkStatement(undefined, { publicKey })).toMatchObject({
      intact: true,
      statements: 2,
    })
    expect(await usage.checkStatement('2026-10')).toMatchObject({ intact: true, statements: 1 })
    await expect(usage.closePeriod(order)).rejects.toMatchObject({ code: 'CLOSE_REFUSED' })
    const wrong = { ...order, month: '2026-08' }
    const { publicKey: notPrivate } = generateKeyPairSync('ed25519')
    await expect(usage.closePeriod({ ...wrong, privateKey: notPrivate })).rejects.toMatchObject({
      code: 'WRONG_USAGE',
      message: expect.stringContaining('not a private Ed25519 key'),
    })
    await expect(usage.closePeriod({ ...wrong, billable: [] })).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      message: expect.stringContaining("such as '2xx' or ['2xx', 304]"),
    })
    await expect(usage.closePeriod({ ...wrong, acceptMissing: 1.5 })).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
    })
    await expect(usage.closePeriod({ ...wrong, acceptMissing: { tokens: 5n } })).rejects.toThrow(
      /no tokens are missing. Leave --accept-missing tokens=5 out/,
    )
    await usage.close()
  })
})
