import { beforeAll, describe, expect, test } from 'vitest'
import { RULES } from '../../src/security/rules.ts'
import { REJECTED_KEY } from '../../src/model/key.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile app', owner: 'acme' })
const HOUR = 3_600_000
const FIRST = Date.parse('2026-10-04T00:00Z')
const PERIOD = ['--since', '2026-11-01', '--until', '2026-11-02']

const usual = Array.from({ length: 29 * 24 }, (_, hour) => ({
  key: acme,
  bucket: new Date(FIRST + hour * HOUR).toISOString(),
  requests: 30,
}))
const unusual = [
  { key: REJECTED_KEY, bucket: '2026-11-01T03:00:00.000Z', endpoint: '/login', status: 401, requests: 1234 },
  { key: acme, bucket: '2026-11-01T05:00:00.000Z', status: 202, requests: 500 },
]

forEachDatabase('security', (_kind, makeUrl) => {
  let env: Record<string, string>
  const security = (...args: string[]) => runCli(['security', ...args], { env })

  beforeAll(async () => {
    const url = await makeUrl()
    await storeUsage(url, [...usual, ...unusual])
    env = { DATABASE_URL: url, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
  })

  test('lists findings, most severe first, with what was seen, what is normal, when and what to do', async () => {
    const { code, stdout, stderr } = await security(...PERIOD)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('Security findings · 2026-11-01 00:00 to 2026-11-02 00:00 (UTC)')
    expect(stdout).toMatch(/^CRITICAL +rejected-burst {2}\(rejected\)\n {2}Seen +1,234 requests/m)
    expect(stdout).toMatch(/^MEDIUM +unusual-rate {2}Mobile app \(sk_l…9f2a\)$/m)
    expect(stdout).toMatch(/^ {2}Normal +30 in such an hour$/m)
    expect(stdout).toMatch(/^ {2}When +2026-11-01 05:00 to 2026-11-01 06:00$/m)
    expect(stdout).toMatch(/^ {2}On +GET \/users\/:id$/m)
    expect(stdout).toMatch(/^ {2}Owner +acme$/m)
    expect(stdout).toMatch(/^ {2}Do +Ask the owner/m)
    expect(stdout).toContain('2 findings in the requests of 1 key.')
  })

  test('says that there is nothing, and how little history there is', async () => {
    const { code, stdout } = await security(
      '--since',
      '2026-10-06',
      '--until',
      '2026-10-07',
      '--fail-on',
      'low',
    )
    expect(code).toBe(0)
    expect(stdout).toContain('Nothing to see in the requests of 1 key.')
    expect(stdout).toContain('1 of 1 key has too little history')
    expect(stdout).toContain('2 days of history')
  })

  test.each([
    ['high', [], 1],
    ['critical', [], 1],
    ['critical', ['--threshold', 'rejectedRequests=1000'], 0],
    ['high', ['--threshold', 'rejectedRequests=1000'], 1],
  ])('with --fail-on %s and %j ends with exit code %d', async (severity, more, expected) => {
    const { code, stdout } = await security(...PERIOD, '--fail-on', severity, ...more)
    expect({ code, stdout }).toEqual({
      code: expected,
      stdout: expect.stringContaining('2 findings') as string,
    })
  })

  test('gives the same as JSON, with its exit code', async () => {
    const { code, stdout } = await security(...PERIOD, '--json', '--fail-on', 'high')
    expect(code).toBe(1)
    const json = JSON.parse(stdout) as { findings: object[] }
    expect(Object.keys(json)).toEqual([
      'report',
      'database',
      'dataDir',
      'since',
      'until',
      'findings',
      'keyCount',
      'youngKeyCount',
      'historyDays',
      'notes',
    ])
    expect(json).toMatchObject({ report: 'security', keyCount: 1, youngKeyCount: 0, historyDays: 28 })
    expect(Object.keys(json.findings[0]!)).toEqual([
      'kind',
      'severity',
      'key',
      'endpoints',
      'from',
      'to',
      'requestCount',
      'seen',
      'normal',
      'advice',
    ])
    expect((await security(...PERIOD, '--format', 'json')).stdout).toBe(stdout)
  })

  test('gives the same as Markdown', async () => {
    const { stdout } = await security(...PERIOD, '--format', 'markdown')
    expect(stdout).toMatch(/^## Security findings$/m)
    expect(stdout).toMatch(
      /^### medium: unusual-rate by Mobile app \(sk\\_l…9f2a\)\n\n- \*\*Seen\*\*: 530 requests/m,
    )
  })
})

describe('security without a database', () => {
  test.each(Object.keys(RULES))('explains how %s works, with its thresholds', async (kind) => {
    const { code, stdout, stderr } = await runCli([
      'security',
      '--explain',
      kind,
      '--threshold',
      'rateFactor=7',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^${kind} \\((low|medium|high)\\): `))
    expect(stdout).toContain('rateFactor=7')
  })

  test.each([
    ['--fail-on', 'severe'],
    ['--explain', 'everything'],
    ['--since', '7d'],
    ['--format', 'markdown'],
    ['--threshold', 'rateFactr=2'],
    ['--threshold', '__proto__=2'],
    ['--threshold', 'rateFactor=x'],
    ['--threshold', 'errorShare=2'],
  ])('refuses %s %s', async (flag, value) => {
    const { code, stdout, stderr } = await runCli(['security', '--explain', 'scanning', flag, value])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.trim().split('\n').length).toBeLessThan(4)
    expect(stderr).not.toContain('    at ')
  })
})
