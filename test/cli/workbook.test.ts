import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import readWorkbook from 'read-excel-file/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import Report from '../../src/cli/commands/report.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile <app> & "co"', owner: '漢字 😀' })
const evil = testKey(2, '\x1b[2Jevil', { owner: '=cmd()' })
const OPEN = 'Note: 2026-10 is open: "apikey-analytics close" bills it.\n'
const OCTOBER = ['--month', '2026-10', '--tz', 'Europe/Berlin']

/** Days and their parts are floats in a workbook, and a reader may lose a millisecond. */
const toSecond = (value: unknown) =>
  value instanceof Date ? new Date(Math.round(value.getTime() / 1000) * 1000) : value

forEachDatabase('a workbook', (_kind, makeUrl) => {
  let url: string
  let folder: string
  const sheetOf = async (bytes: Buffer) => {
    const sheets = await readWorkbook(bytes)
    expect(sheets).toHaveLength(1)
    const [names = [], ...lines] = sheets[0]!.data
    return {
      name: sheets[0]!.sheet,
      names,
      lines: lines.map((line) =>
        Object.fromEntries(names.map((name, index) => [String(name), toSecond(line[index])])),
      ),
    }
  }
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand(Report, [
      ...args,
      '--format',
      'xlsx',
      '--database',
      url,
    ])
    return { code, stderr, bytes: Buffer.from(stdout, 'latin1') }
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    url = await makeUrl()
    await storeUsage(url, [
      { key: acme, bucket: '2026-10-01T10:00Z', requests: 1200 },
      { key: acme, bucket: '2026-10-01T10:00Z', method: 'POST', requests: 7 },
      { key: acme, bucket: '2026-10-25T01:00Z', requests: 3 },
      { key: evil, bucket: '2026-10-12T10:00Z', status: 404, requests: 5 },
    ])
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('has invoice lines with numbers as numbers, times as dates and local times besides', async () => {
    const { code, stderr, bytes } = await run(...OCTOBER, '--billable', '2xx')
    expect({ code, stderr }).toEqual({ code: 0, stderr: OPEN })
    const { name, lines } = await sheetOf(bytes)
    expect(name).toBe('invoice')
    expect(lines).toEqual(
      [
        ['GET', 1203],
        ['POST', 7],
      ].map(([method, requests]) => ({
        keyId: acme.id,
        keyLabel: 'sk_l…9f2a',
        keyName: 'Mobile <app> & "co"',
        keyOwner: '漢字 😀',
        method,
        endpoint: '/users/:id',
        requests,
        since: new Date('2026-09-30T22:00Z'),
        sinceLocal: new Date('2026-10-01T00:00Z'),
        until: new Date('2026-10-31T23:00Z'),
        untilLocal: new Date('2026-11-01T00:00Z'),
        timeZone: 'Europe/Berlin',
        complete: true,
        figuresTo: new Date('2026-10-31T23:00Z'),
        figuresToLocal: new Date('2026-11-01T00:00Z'),
      })),
    )
  })

  test('has the same groups and names as CSV, with ratios and days', async () => {
    const { lines, names } = await sheetOf((await run(...OCTOBER, '--by', 'status,day')).bytes)
    const csv = await runCommand(Report, [
      ...OCTOBER,
      '--by',
      'status,day',
      '--format',
      'csv',
      '--database',
      url,
    ])
    expect(names.join()).toBe(csv.stdout.split('\r\n')[0])
    expect(lines[0]).toMatchObject({
      status: 200,
      day: new Date('2026-09-30T22:00Z'),
      dayLocal: new Date('2026-10-01T00:00Z'),
      requests: 1207,
      share: 1207 / 1215,
    })
  })

  test('has text that no spreadsheet runs, and shows what XML cannot hold', async () => {
    const { lines } = await sheetOf((await run('--month', '2026-10', '--status', '4xx')).bytes)
    expect(lines[0]).toMatchObject({ keyLabel: String.raw`\x1b[2Jevil`, keyOwner: '=cmd()', keyName: null })
  })

  test('is written to a file that appears when it is complete', async () => {
    const out = join(folder, 'october.xlsx')
    writeFileSync(out, 'old')
    const args = ['report', ...OCTOBER, '--billable', '2xx', '--format', 'xlsx', '--out', out]
    const { code, stdout, stderr } = await runCli(args, { env: { DATABASE_URL: url } })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: OPEN })
    expect((await sheetOf(readFileSync(out))).lines).toHaveLength(2)
    expect(readdirSync(folder)).toEqual(['october.xlsx'])
  })

  test('is written in pieces, whatever the number of its lines', async () => {
    const many = await makeUrl()
    const rows = Array.from({ length: 3000 }, (_, index) => ({
      key: acme,
      bucket: '2026-10-01T10:00Z',
      endpoint: `/${index}/${'long'.repeat(40)}`,
      requests: index + 1,
    }))
    await storeUsage(many, rows)
    let pieces = 0
    const args = ['--billable', '2xx', '--month', '2026-10', '--format', 'xlsx', '--database', many]
    const { stdout } = await runCommand(Report, args, () => (pieces += 1))
    const { lines } = await sheetOf(Buffer.from(stdout, 'latin1'))
    expect(lines).toHaveLength(3000)
    expect(lines.reduce((sum, { requests }) => sum + Number(requests), 0)).toBe((3000 * 3001) / 2)
    expect(pieces).toBeGreaterThan(1)
  })
})
