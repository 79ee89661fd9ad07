import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { targetOf } from '../../src/options/database-target.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { HOUR } from '../support/usage/make-batch.ts'
import { startCounting } from '../support/usage/counting-process.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

forEachDatabase('units on the command line', (_kind, makeUrl) => {
  let env: Record<string, string>
  let dataDir: string
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: dataDir }
  })
  afterEach(() => rm(dataDir, { recursive: true }))

  test('verify balances each, and names what waits, what is missing and what was changed by hand', async () => {
    const url = env['DATABASE_URL']!
    const store = openStore({ url, pepperCheck: '' })
    let now = HOUR
    const target = targetOf(describeDatabaseUrl(url), dataDir)
    const app = startCounting({ dataDir, store, target, now: () => now, units: ['tokens', 'rows'] })
    app.count('acme', '/', 200, 1000, new Float64Array([1500, 20]))
    await app.flush()
    now += 3_600_000
    // nothing but quantities waits
    app.addQuantity('acme', '/', 0, 32, false)
    app.crash()
    await store.close()

    const verify = async (...args: string[]) => {
      const { code, stdout } = await runCli(['verify', ...args], { env })
      return { code, lines: stdout.split('\n').map((line) => line.trimEnd().replaceAll(/ {2,}/g, ' ')) }
    }
    const waiting = await verify()
    expect(waiting.code).toBe(0)
    expect(waiting.lines).toEqual(expect.arrayContaining(['rows 20 0 20 0 0', 'tokens 1,500 0 1,500 0 32']))
    const report = await runCli(['report', '--since', '2026-11-01', '--until', '2026-12-01'], { env })
    expect(report.stdout.replaceAll(/\s+/g, ' ')).toContain('32 tokens in')

    const close = ['close', '--day', '2026-11-02', '--billable', '2xx', '--dry-run']
    expect(await runCli(close, { env })).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`Refused: 32 tokens wait in ${dataDir}. Run "apikey-analytics flush".`),
    })

    expect((await runCli(['flush'], { env })).code).toBe(0)
    const delivered = JSON.parse((await runCli(['verify', '--json'], { env })).stdout)
    expect(delivered).toMatchObject({ accountedFor: true, undeliveredQuantities: {} })
    expect(delivered.units).toEqual([
      { unit: 'rows', stored: '20', pruned: '0', delivered: '20', missing: '0', balanced: true },
      { unit: 'tokens', stored: '1532', pruned: '0', delivered: '1532', missing: '0', balanced: true },
    ])

    const db = await openDatabase(url)
    await db.query("update api_key_analytics_quantities set quantity = quantity + 7 where unit = 'rows'")
    await db.query("update api_key_analytics_ledger_units set missing = 5 where unit = 'tokens'")
    await db.close()
    const changed = await verify()
    expect(changed.code).toBe(1)
    const verdict = changed.lines.join(' ')
    expect(verdict).toContain('what was pruned of rows differ from what was delivered by 7')
    expect(verdict).toContain('5 tokens are missing')
  })

  test('prune takes quantities without a request, and says when nothing is left', async () => {
    const row = { key: testKey(1, 'key_1'), quantities: { tokens: 9 } }
    await storeUsage(env['DATABASE_URL']!, [
      { ...row, bucket: '2026-01-02T10:00Z', requests: 0 },
      { ...row, bucket: '2026-03-02T10:00Z', requests: 1 },
    ])
    const prune = async () => (await runCli(['prune', '--before', '2026-02-01', '--yes'], { env })).stderr
    expect(await prune()).toMatch(/^Deletes quantities without requests in /)
    const verified = JSON.parse((await runCli(['verify', '--json'], { env })).stdout)
    expect(verified.units).toMatchObject([{ unit: 'tokens', stored: '9', pruned: '9', balanced: true }])
    expect(await prune()).toMatch(/^There is nothing to prune in /)
  })
})
