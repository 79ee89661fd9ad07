import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'koa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAnalytics } from '../../src/analytics.ts'

let home: string
const before = process.umask()

beforeAll(() => {
  // The worst that a service can be started with: what is made without a mode is open to everybody.
  process.umask(0)
  home = mkdtempSync(join(tmpdir(), 'apikey-analytics-modes-'))
})
afterAll(() => {
  process.umask(before)
  rmSync(home, { recursive: true, force: true })
})

/** Path and mode of everything in a folder, and of the folder itself. */
function modesIn(folder: string): { path: string; isFolder: boolean; mode: string }[] {
  const inside = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  return [folder, ...inside].map((path) => {
    const stats = statSync(path)
    return { path, isFolder: stats.isDirectory(), mode: (stats.mode & 0o777).toString(8) }
  })
}

test.each(['mapped', 'written'])(
  'nobody else can read what is counted, flushed or locked (%s)',
  async (mode) => {
    const dataDir = join(home, mode, 'data')
    process.env['APIKEY_ANALYTICS_NO_MMAP'] = mode === 'mapped' ? '' : '1'
    const analytics = startAnalytics(
      { dataDir, database: `sqlite:${join(dataDir, 'usage.db')}`, flushIntervalMs: 3_600_000 },
      Date.now,
    )
    delete process.env['APIKEY_ANALYTICS_NO_MMAP']
    const req = { headers: { 'x-api-key': 'a secret' }, method: 'GET' }
    const ctx = { req, res: { statusCode: 401 }, state: {} }
    await analytics({ ...ctx, originalUrl: '/' } as unknown as Context, () => Promise.resolve())
    expect(analytics.stats().mode).toBe(mode)
    await analytics.flush()

    const found = modesIn(dataDir)
    const names = found.map(({ path }) => path).join(' ')
    for (const name of ['1.counts', 'lock', 'usage.db', 'usage.db-wal', '.gitignore']) {
      expect(names).toContain(name)
    }
    for (const { path, isFolder, mode } of found) {
      expect({ path, mode }).toEqual({ path, mode: isFolder ? '700' : '600' })
    }
    await analytics.close()
  },
)
