import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readXlsx } from 'hucre'
import { afterAll, beforeAll, expect, it } from 'vitest'
import Report from '../../src/cli/commands/report.ts'
import { renderUsageXlsx } from '../../src/report/render-usage-xlsx.ts'
import type { UsageReport } from '../../src/report/usage-report.ts'
import { forEachDatabase } from '../support/for-each-database.ts'
import { runCli } from '../support/run-cli.ts'
import { runCommand } from '../support/run-command.ts'
import { storeUsage, testKey } from '../support/store-usage.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile <app> & "co"', owner: '漢字 😀' })
const evil = testKey(2, '\x1b[2Jevil', { owner: '=cmd()' })
const OCTOBER = ['--month', '2026-10', '--tz', 'Europe/Berlin']

forEachDatabase('a workbook', (_kind, makeUrl) => {
  let url: string
  let folder: string
  const sheetOf = async (bytes: Buffer) => {
    const { sheets } = await readXlsx(bytes)
    expect(sheets).toHaveLength(1)
    const [names = [], ...lines] = sheets[0]!.rows
    return {
      name: sheets[0]!.name,
      names,
      lines: lines.map((line) => Object.fromEntries(names.map((name, index) => [name, line[index]]))),
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

  it('has invoice lines with numbers as numbers, times as dates and local times besides', async () => {
    const { code, stderr, bytes } = await run(...OCTOBER, '--billable', '2xx')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
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

  it('has the same groups and names as CSV, with ratios and days', async () => {
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

  it('has text that no spreadsheet runs, and shows what XML cannot hold', async () => {
    const { lines } = await sheetOf((await run('--month', '2026-10', '--status', '4xx')).bytes)
    expect(lines[0]).toMatchObject({ keyLabel: String.raw`\x1b[2Jevil`, keyOwner: '=cmd()', keyName: null })
    const { sheets } = await readXlsx((await run('--month', '2026-10')).bytes)
    expect(JSON.stringify(sheets)).not.toContain('formula')
  })

  it('is written to a file that appears when it is complete', async () => {
    const out = join(folder, 'october.xlsx')
    writeFileSync(out, 'old')
    const args = ['report', ...OCTOBER, '--billable', '2xx', '--format', 'xlsx', '--out', out]
    const { code, stdout, stderr } = await runCli(args, { env: { DATABASE_URL: url } })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await sheetOf(readFileSync(out))).lines).toHaveLength(2)
    expect(readdirSync(folder)).toEqual(['october.xlsx'])
  })
})

it('refuses more lines than a workbook in memory should have', async () => {
  const groups = Array.from({ length: 100_001 }, () => ({}))
  const report = { report: 'usage', sections: [{ by: ['key'], groups }] } as unknown as UsageReport
  await expect(renderUsageXlsx(report)).rejects.toMatchObject({
    code: 'WRONG_USAGE',
    message:
      '100,001 lines are too many for xlsx, which has at most 100,000 here. Use --format csv or --limit.',
  })
})
