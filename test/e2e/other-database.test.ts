import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { countersDir } from '../../src/buffer/folder/data-dir.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { startProcess } from '../support/processes/run-process.ts'
import { readAccount, serveAnalytics } from '../support/apps/serve-analytics.ts'

const DEFAULT_FILE = 'the default SQLite file usage.db in the data folder'

let dataDir: string

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

/** A process that counts so many requests and is killed; without a database as where DATABASE_URL is not set. */
async function countAndDie(requests: number, database?: string): Promise<void> {
  const after = Array.from({ length: requests }, () => [{ id: 'key_1' }, 'GET /jobs'])
  const options = { dataDir, flushIntervalMs: 3_600_000, ...(database && { database }) }
  const child = startProcess('count-and-hang', JSON.stringify({ options, before: [], after }))
  await once(child.stdout!, 'data')
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

forEachDatabase('counts of a run without DATABASE_URL', (_kind, makeUrl) => {
  let production: string
  let place: string[]

  beforeEach(async () => {
    production = await makeUrl()
    place = ['--database', production, '--data-dir', dataDir]
    await countAndDie(2)
    await countAndDie(3, production)
  })

  test('do not reach the database of the next start, and what is meant for it does', async () => {
    await using app = await serveAnalytics({ database: production, dataDir })
    await app.request(4)
    await app.analytics.flush()
    expect((await readAccount(production)).storedRequests).toBe(7)
    expect(app.errors).toMatchObject([{ code: 'DATABASE_CHANGED' }])
    const { message } = app.errors[0]!
    expect(message).toMatch(/^2 requests in \S+\.counts were counted for the default SQLite file/)
    expect(message).toContain('but this database is ')
    expect(message).toContain('flush --adopt')
    expect(message).not.toContain('password')
  })

  test('are kept by flush, which ends with 1 and names both, and are sent by --adopt', async () => {
    const kept = await runCli(['flush', ...place])
    expect(kept).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Delivered 3 requests'),
      stderr: expect.stringMatching(/^Warning: 2 requests in .* but this database is (SQLite|PostgreSQL) /),
    })
    const verified = await runCli(['verify', ...place])
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('counted for another database'),
    })
    const { stdout } = await runCli(['verify', '--json', ...place])
    expect(JSON.parse(stdout)).toMatchObject({
      storedRequests: 3,
      undeliveredRequests: 0,
      elsewhere: [{ database: DEFAULT_FILE, requests: 2 }],
    })
    expect((await runCli(['flush', '--adopt', ...place])).stdout).toContain('Delivered 2 requests')
    expect(await readAccount(production)).toMatchObject({ storedRequests: 5, balanced: true })
    expect(readdirSync(countersDir(dataDir))).toEqual([])
  })

  test('wait for the embedded database, and are delivered there', async () => {
    await runCli(['migrate', '--data-dir', dataDir])
    const own = await runCli(['flush', '--data-dir', dataDir])
    expect(own).toMatchObject({ code: 1, stdout: expect.stringContaining('Delivered 2 requests') })
    expect((await runCli(['flush', ...place])).stdout).toContain('Delivered 3 requests')
    expect((await readAccount(`sqlite:${join(dataDir, 'usage.db')}`)).storedRequests).toBe(2)
    expect((await readAccount(production)).storedRequests).toBe(3)
    expect(readdirSync(countersDir(dataDir))).toEqual([])
  })
})
