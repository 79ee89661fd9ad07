import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { dumpTables } from '../support/databases/copy-tables.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { ACME, fillDatabase, move, REQUESTS } from '../support/worlds/move-world.ts'
import { runCli } from '../support/cli/run-cli.ts'
import type { CliResult } from '../support/cli/run-cli.ts'
import { CLUSTER_PASSWORD } from '../support/databases/start-cluster.ts'
import { storeUsage } from '../support/usage/store-usage.ts'

let dataDir: string
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
})
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

const run = (database: string, ...args: string[]) =>
  runCli([...args, '--database', database, '--data-dir', dataDir])

/** Every command that changes something, on the key and owners of `fillDatabase`. */
const WRITES = [
  'prune --before 2026-11-20 --yes',
  'prune --roll-up day --before 2026-11-20 --yes',
  'keys name key_acme --owner other',
  'keys name key_acme --name other',
  'keys forget key_acme --yes',
  'keys forget key_acme --anonymise --yes',
  'keys forget --owner Acme --yes',
  'customers rename Acme other',
  'quotas set key_acme --limit 10',
  'quotas remove --owner Acme --unit tokens',
  'close --month 2026-12 --billable 2xx --tz Europe/Berlin',
  'close --month 2026-12 --billable 2xx --tz Europe/Berlin --dry-run',
  'alerts retry ops',
  'keys link key_beta --continues key_acme',
  'keys unlink key_beta',
  'imports remove 1 --yes',
  'routes deprecate /users/:id',
  'routes undeprecate /users/:id',
  'flush',
]

forEachDatabase('a database that moved', (kind, makeUrl) => {
  let url: string
  let to: string
  let where: string
  let moved: CliResult
  beforeAll(async () => {
    url = await makeUrl()
    await fillDatabase(url)
    const other = await makeDatabase(kind === 'sqlite' ? 'postgresql' : 'sqlite', { migrated: false })
    to = other.url
    where = `${describeDatabaseUrl(url)} moved to ${describeDatabaseUrl(to)} on `
    moved = await run(url, 'move', '--to', to)
    return () => other.remove()
  })

  test('was moved in steps that a person can follow', () => {
    expect(moved).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        / accepts no changes from now on\..*\nCopies \d+ rows to .*\nCompares them with /,
      ),
      stdout: expect.stringMatching(
        /^Moved \d+ rows from .* to .*\. Set DATABASE_URL to it and restart the app: /,
      ),
    })
  })

  test.each(WRITES)('refuses %s, says where it went, and stays as it is', async (command) => {
    const db = await openDatabase(url)
    const before = await dumpTables(db)
    const { code, stderr } = await run(url, ...command.split(' '))
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`Error: ${where}`) })
    expect(await dumpTables(db)).toEqual(before)
    await db.close()
  })

  test('is read by report, export and verify, which say that it moved, where to and when', async () => {
    const report = await run(url, 'report', '--since', '2026-09-01', '--until', '2027-01-01')
    expect(report).toMatchObject({ code: 0 })
    expect((report.stdout + report.stderr).replaceAll(/\s+/g, ' ')).toContain(where)
    const verify = await run(url, 'verify')
    expect(verify.stdout.replaceAll(/\s+/g, ' ')).toContain(where)
    expect(JSON.parse((await run(url, 'verify', '--json')).stdout)).toMatchObject({
      storedRequests: REQUESTS,
      balanced: true,
      notes: [expect.stringContaining(where)],
    })
    const exported = await run(url, 'export')
    expect(exported).toMatchObject({ code: 0, stderr: expect.stringContaining(`Note: ${where}`) })
    // each database gives them in the order in which it stores them
    const linesOf = (text: string) => text.split('\r\n').toSorted()
    expect(linesOf(exported.stdout)).toEqual(linesOf((await run(to, 'export')).stdout))
    const here = await run(to, 'verify', '--json')
    expect(JSON.parse(here.stdout)).toMatchObject({ storedRequests: REQUESTS, balanced: true, notes: [] })
  })

  test('shows no password anywhere', async () => {
    for (const command of [
      'move --to',
      'move --cancel --to',
      'flush',
      'report',
      'verify --json',
      'flush --json',
    ]) {
      const args = command.endsWith('--to') ? [...command.split(' '), to] : command.split(' ')
      const { stdout, stderr } = await run(url, ...args)
      expect(stdout + stderr).not.toContain(CLUSTER_PASSWORD)
    }
    const db = await openDatabase(to)
    const { api_key_analytics_meta: meta } = await dumpTables(db)
    expect(JSON.stringify(meta)).not.toContain(CLUSTER_PASSWORD)
    await db.close()
  })

  test('is moved only once', async () => {
    const again = await run(url, 'move', '--to', to)
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(' before. Set DATABASE_URL to it'),
    })
    const cancelled = await run(url, 'move', '--cancel', '--to', to)
    expect(cancelled).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is nothing to cancel'),
    })
    const json = await run(url, 'move', '--to', to, '--json')
    expect(JSON.parse(json.stdout)).toEqual({
      from: describeDatabaseUrl(url),
      to: describeDatabaseUrl(to),
      done: 'nothing',
      tables: {},
    })
  })
})

describe('the command move', () => {
  let source: TestDatabase
  beforeEach(async () => {
    source = await makeDatabase('sqlite')
    await storeUsage(source.url, [{ key: ACME, bucket: '2026-12-02T00:00Z', requests: 3 }])
    return () => source.remove()
  })

  test('needs to know where to', async () => {
    expect(await run(source.url, 'move')).toMatchObject({
      code: 2,
      stderr: 'Error: Name the new database with --to.\n',
    })
    for (const args of [['--target-is-gone'], ['--cancel', '--target-is-gone', '--to', 'sqlite:x']])
      expect(await run(source.url, 'move', ...args)).toMatchObject({ code: 2 })
  })

  test('reads it from the environment too, so that no password is on the command line', async () => {
    const target = await makeDatabase('postgresql', { migrated: false })
    const env = { DATABASE_URL: source.url, APIKEY_ANALYTICS_MOVE_TO: target.url }
    expect(await runCli(['move', '--data-dir', dataDir], { env })).toMatchObject({ code: 0 })
    await target.remove()
  })

  test('is cancelled, and then everything is as before', async () => {
    const target = await makeDatabase('postgresql')
    const stopped = new Error('stopped')
    const stop = async (step: string) => {
      if (step.startsWith('Compares')) throw stopped
    }
    await expect(move(source.url, target.url, { onStep: stop })).rejects.toBe(stopped)
    expect(await run(source.url, 'move', '--cancel')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('pass --target-is-gone'),
    })
    const { code, stdout } = await run(source.url, 'move', '--cancel', '--to', target.url)
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Cancelled: SQLite .* is active again\./),
    })
    expect(await run(source.url, 'quotas', 'set', 'key_acme', '--limit', '10')).toMatchObject({ code: 0 })
    expect((await run(source.url, 'verify')).stdout).not.toContain('Note:')
    await target.remove()
  })
})
