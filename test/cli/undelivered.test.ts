import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pepperCheck } from '../../src/model/compute-key-id.ts'
import { targetOf } from '../../src/options/database-target.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { HOUR } from '../support/usage/make-batch.ts'
import { startCounting } from '../support/usage/counting-process.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const MONTH = new Date(HOUR).toISOString().slice(0, 7)

forEachDatabase('counts that are not in the database', (_kind, makeUrl) => {
  let env: Record<string, string>
  let dataDir: string
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: dataDir }
    await storeUsage(env['DATABASE_URL']!, [
      { key: testKey(1, 'key'), bucket: `${MONTH}-01T10:00Z`, requests: 5 },
    ])
  })
  afterEach(() => rm(dataDir, { recursive: true }))

  test('are named by reports, invoices and verify until they are delivered', async () => {
    const store = new DatabaseStore({ url: env['DATABASE_URL']!, pepperCheck: '' })
    const target = targetOf(describeDatabaseUrl(env['DATABASE_URL']!), dataDir)
    const app = startCounting({ dataDir, store, target, now: () => HOUR })
    for (let i = 0; i < 3; i++) app.count('late')
    app.crash()
    await store.close()

    const note = `3 requests in ${dataDir} are not in the database yet: the app or "apikey-analytics flush" delivers them.`
    expect((await runCli(['report', '--month', MONTH], { env })).stdout).toContain(`Note: ${note}`)
    const invoice = ['report', '--billable', '2xx', '--month', MONTH, '--format', 'csv']
    const before = await runCli(invoice, { env })
    expect(before).toMatchObject({ code: 0, stderr: expect.stringContaining(`Note: ${note}\n`) })
    expect((await runCli(['verify'], { env })).stdout).toMatch(/^Not delivered yet, on this machine +3$/m)

    expect((await runCli(['flush'], { env })).stdout).toContain('Delivered 3 requests in 1 batch')
    const after = await runCli(invoice, { env })
    expect(after.stderr).not.toContain('not in the database')
    expect(after.stdout).toContain(',late,,,GET,/,3,')
    expect(JSON.parse((await runCli(['verify', '--json'], { env })).stdout)).toMatchObject({
      accountedFor: true,
      undeliveredRequests: 0,
      storedRequests: 8,
    })
  })

  test('cannot be mistaken for others: a pepper that is not the database’s is refused', async () => {
    const store = new DatabaseStore({ url: env['DATABASE_URL']!, pepperCheck: pepperCheck('right') })
    await store.connect()
    await store.close()
    const report = (pepper: Record<string, string>, ...args: string[]) =>
      runCli(['report', '--month', MONTH, ...args], { env: { ...env, ...pepper }, input: 'a-secret' })
    const wrong = await report({ APIKEY_ANALYTICS_PEPPER: 'wrong' }, '--json')
    expect(wrong.code).toBe(1)
    expect(JSON.parse(wrong.stdout).error.code).toBe('PEPPER_MISMATCH')
    expect((await report({})).code).toBe(0)
    expect((await report({ APIKEY_ANALYTICS_PEPPER: 'right' })).code).toBe(0)
    expect(await report({}, '--key', '-')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Set APIKEY_ANALYTICS_PEPPER as the app has it.'),
    })
  })
})
