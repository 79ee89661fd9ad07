import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { makeDatabase } from '../support/databases/databases.ts'
import { readAccount, serveAnalytics } from '../support/apps/serve-analytics.ts'
import { findMounter, mountSmallDisk } from '../support/crash/small-disk.ts'

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000

/** Everything counted is in the database, whatever was written or kept in memory meanwhile. */
async function expectAllDelivered(database: string, app: Awaited<ReturnType<typeof serveAnalytics>>) {
  for (let time = 0; time < 3 && app.analytics.stats().pending > 0; time += 1) await app.analytics.flush()
  expect(app.answered).toBeGreaterThan(0)
  expect(app.analytics.stats()).toMatchObject({ counted: app.answered, pending: 0 })
  const account = await readAccount(database)
  expect(account).toMatchObject({ storedRequests: app.answered, missingRequests: 0, balanced: true })
}

const mounter = findMounter()

describe.runIf(mounter === 'this process')(`a small disk, mounted by ${mounter}`, () => {
  test('a disk that is full when the app starts: it says so, counts in memory, and uses a file once there is room', async () => {
    const database = await makeDatabase('sqlite')
    using disk = mountSmallDisk(2 * MIB)
    disk.fill(64 * 1024)
    {
      await using app = await serveAnalytics({ database: database.url, dataDir: join(disk.path, 'data') })
      expect(app.errors.map(({ code }) => code)).toEqual(['DATA_DIR_UNWRITABLE'])
      expect(app.errors[0]!.message).toMatch(/ENOSPC.*Make room/)
      expect(app.analytics.stats().mode).toBe('memory')
      await app.request(20)
      disk.clear()
      app.passTime(60_000)
      await app.analytics.flush()
      expect(app.analytics.stats().mode).toBe('mapped')
      await app.request(20)
      await expectAllDelivered(database.url, app)
    }
    await database.remove()
  })

  test.each([
    ['for the file of the next hour', 3],
    ['for the names of more cells than a file holds', 2500],
  ])('a disk that is full %s: counting goes on, and nothing that was counted is lost', async (_, cells) => {
    const database = await makeDatabase('postgresql', { migrated: false })
    using disk = mountSmallDisk(2 * MIB)
    {
      const options = { database: database.url, dataDir: join(disk.path, 'data'), maxEndpointsPerKey: 10_000 }
      await using app = await serveAnalytics(options)
      expect(app.analytics.stats().mode).toBe('mapped')
      disk.fill(0)
      for (let hour = 0; hour < 3; hour += 1) {
        for (let cell = 0; cell < cells; cell += 1) {
          app.analytics.addEndpointAccess({ id: 'acme' }, `GET /cell/${cell}`)
        }
        await app.request(2)
        app.passTime(HOUR_MS)
      }
      // a flush that had the time to look has found no tables, which is why nothing was delivered
      const codes = new Set(app.errors.map(({ code }) => code))
      codes.delete('DATABASE_NOT_MIGRATED')
      expect(codes).toEqual(new Set(['DATA_DIR_UNWRITABLE']))
      disk.clear()
      const { migrate } = await import('../../src/store/database/migrate.ts')
      await migrate(database.url)
      const { counted } = app.analytics.stats()
      expect(counted).toBe(3 * (cells + 2))
      for (let time = 0; time < 4 && app.analytics.stats().pending > 0; time += 1) await app.analytics.flush()
      expect(await readAccount(database.url)).toMatchObject({
        storedRequests: counted,
        missingRequests: 0,
        balanced: true,
      })
    }
    await database.remove()
  })

  test('a disk that is full for the SQLite file: the flush says so, and everything arrives once there is room', async () => {
    using disk = mountSmallDisk(4 * MIB)
    const dataDir = join(disk.path, 'data')
    const database = `sqlite:${join(dataDir, 'usage.db')}`
    await using app = await serveAnalytics({ database, dataDir })
    await app.request(10)
    await app.analytics.flush()
    disk.fill(0)
    await app.request(300, { endpoints: 300 })
    const failure = await app.analytics.flush().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DATABASE_FAILED' })
    expect(String(failure)).toContain('No space is left')
    await app.request(50)
    disk.clear()
    await expectAllDelivered(database, app)
  })
})

describe.runIf(mounter === 'a namespace')('a small disk, for an ordinary user', () => {
  test('does the same in a user namespace, which may mount one', async () => {
    const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')
    const config = join(import.meta.dirname, '../vitest.config.ts')
    const run = [process.execPath, vitest, 'run', '--config', config, '--project', 'crash', 'crash/disk-full']
    const { stdout } = await promisify(execFile)('unshare', ['-rm', ...run], { env: ownEnvironment() })
    expect(stdout).toMatch(/Tests +4 passed/)
  })
})

/** Without what this vitest has set for its own workers. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('VITEST') && name !== 'NODE_ENV',
  )
  return { ...Object.fromEntries(kept), NO_COLOR: '1' }
}
