import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { rememberDatabase } from '../../src/buffer/folder/known-databases.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { move } from '../support/worlds/move-world.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { startProcess } from '../support/processes/run-process.ts'
import { readAccount, serveAnalytics } from '../support/apps/serve-analytics.ts'
import { findFirstWaiting } from '../../src/report/notes/note-undelivered.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'

/** A process that counts so many requests in a data folder, for its default file, and is killed. */
async function countAndDie(dataDir: string, requests: number, database?: string): Promise<void> {
  const after = Array.from({ length: requests }, () => [{ id: 'key_1' }, 'GET /jobs'])
  const options = { dataDir, flushIntervalMs: 3_600_000, ...(database && { database }) }
  const child = startProcess('count-and-hang', JSON.stringify({ options, before: [], after, flushes: false }))
  await once(child.stdout!, 'data')
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

forEachDatabase('counter files of a database that moved here', (_kind, makeUrl) => {
  let folders: string[]
  let target: string
  const makeDataDir = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    folders.push(folder)
    return folder
  }
  const defaultOf = (dataDir: string) => `sqlite:${join(dataDir, 'usage.db')}`
  const flush = (dataDir: string) => runCli(['flush', '--database', target, '--data-dir', dataDir])
  const verify = async (dataDir: string) =>
    JSON.parse(
      (await runCli(['verify', '--json', '--database', target, '--data-dir', dataDir])).stdout,
    ) as Record<string, unknown>

  beforeEach(async () => {
    folders = []
    target = await makeUrl({ migrated: false })
  })
  afterEach(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  test('are delivered by the next start, whenever they were counted', async () => {
    const dataDir = makeDataDir()
    await runCli(['migrate', '--data-dir', dataDir])
    await countAndDie(dataDir, 2)
    await move(defaultOf(dataDir), target)
    // by a worker that was not restarted
    await countAndDie(dataDir, 3)
    expect(await verify(dataDir)).toMatchObject({ undeliveredRequests: 5, elsewhere: [] })
    const db = await openDatabase(target)
    expect(await findFirstWaiting(db, dataDir)).toBeInstanceOf(Date)
    expect(await findFirstWaiting(db, makeDataDir())).toBe(undefined)
    await db.close()
    await using app = await serveAnalytics({ database: target, dataDir })
    await app.request(4)
    await app.analytics.flush()
    expect(app.errors).toEqual([])
    expect(await readAccount(target)).toMatchObject({ storedRequests: 9, balanced: true })
  })

  test('are delivered after two moves, and after one there and back', async () => {
    const dataDir = makeDataDir()
    const between = await makeUrl({ migrated: false })
    await runCli(['migrate', '--data-dir', dataDir])
    await countAndDie(dataDir, 2)
    await move(defaultOf(dataDir), between)
    await countAndDie(dataDir, 3, between)
    await move(between, target, { dataDir })
    expect(await flush(dataDir)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Delivered 5 requests'),
    })
    await countAndDie(dataDir, 1, between)
    await countAndDie(dataDir, 1, target)
    await move(target, defaultOf(dataDir), { dataDir })
    const there = await runCli(['flush', '--data-dir', dataDir])
    expect(there).toMatchObject({ code: 0, stdout: expect.stringContaining('Delivered 2 requests') })
    expect(await readAccount(defaultOf(dataDir))).toMatchObject({ storedRequests: 7, balanced: true })
  })

  test('stay when they are those of another database with the same name, or of none', async () => {
    const [dataDir, unrelated, without] = [makeDataDir(), makeDataDir(), makeDataDir()]
    for (const folder of [dataDir, unrelated]) await runCli(['migrate', '--data-dir', folder])
    await move(defaultOf(dataDir), target)
    for (const folder of [unrelated, without]) {
      await countAndDie(folder, 2)
      expect(await flush(folder)).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('Nothing to deliver'),
        stderr: expect.stringContaining('2 requests'),
      })
      expect(await verify(folder)).toMatchObject({
        undeliveredRequests: 0,
        elsewhere: [{ database: expect.stringContaining('the default SQLite file'), requests: 2 }],
      })
    }
    expect(await readAccount(target)).toMatchObject({ storedRequests: 0 })
  })

  test('stay when the name of their server led to another database in their folder, or nobody knows where', async () => {
    const former = await makeDatabase('postgresql')
    const [dataDir, elsewhere, unknown] = [makeDataDir(), makeDataDir(), makeDataDir()]
    await move(former.url, target, { dataDir })
    // every machine may have a server of that name
    rememberDatabase({ databaseLabel: describeDatabaseUrl(former.url), databaseId: randomUUID() }, elsewhere)
    for (const folder of [elsewhere, unknown]) {
      await countAndDie(folder, 2, former.url)
      expect(await flush(folder)).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('Nothing to deliver'),
        stderr: expect.stringContaining('2 requests'),
      })
    }
    await countAndDie(dataDir, 3, former.url)
    expect((await flush(dataDir)).stdout).toContain('Delivered 3 requests')
    expect((await runCli(['flush', '--adopt', '--database', target, '--data-dir', unknown])).code).toBe(0)
    expect(await readAccount(target)).toMatchObject({ storedRequests: 5, balanced: true })
    await former.remove()
  })

  test('stay when the former file is active: a copy from before the move', async () => {
    const [dataDir, backup] = [makeDataDir(), makeDataDir()]
    await runCli(['migrate', '--data-dir', dataDir])
    cpSync(dataDir, backup, { recursive: true })
    await move(defaultOf(dataDir), target)
    await countAndDie(backup, 2)
    expect(await flush(backup)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Nothing to deliver'),
    })
    expect((await runCli(['flush', '--data-dir', backup])).stdout).toContain('Delivered 2 requests')
  })

  test('an app with the old URL says once where to go, counts on, and is healthy', async () => {
    const dataDir = makeDataDir()
    await runCli(['migrate', '--data-dir', dataDir])
    await using app = await serveAnalytics({ database: defaultOf(dataDir), dataDir })
    await app.request(3)
    await app.analytics.flush()
    await move(defaultOf(dataDir), target)
    await app.request(4)
    for (let tries = 0; tries < 2; tries++)
      await expect(app.analytics.flush()).rejects.toMatchObject({ code: 'DATABASE_MOVED' })
    const where = `moved to ${describeDatabaseUrl(target)} on `
    expect(app.errors[0]).toMatchObject({ code: 'DATABASE_MOVED', message: expect.stringContaining(where) })
    expect(app.errors[0]!.message).toContain('Set DATABASE_URL to the new database and restart the app')
    expect(app.analytics.stats()).toMatchObject({ counted: 7, pending: 4, mode: 'mapped' })
    expect(app.analytics.health()).toEqual({
      ready: true,
      problems: [
        expect.stringMatching(/flushes failed; 4 requests wait\. DATABASE_MOVED: SQLite .* moved to /),
      ],
    })
    expect(app.analytics.metrics()).toMatch(/^apikey_analytics_requests_pending 4$/m)
  })
})
