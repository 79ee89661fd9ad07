import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { apiKeyAnalytics } from '../../src/analytics.ts'
import { getOrm } from '../../src/store/get-orm.ts'
import { ApiKeyAnalyticsKey } from '../../src/store/database/entities/api-key-analytics-key.ts'
import { openUsage } from '../../src/open-usage.ts'

const SCRIPT = fileURLToPath(new URL('../support/processes/programs/count-without-files.ts', import.meta.url))

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-unit-'))
})

afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the script in the empty folder, with nothing of ours in its environment but `env`. */
async function run(how: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [SCRIPT, how], { cwd: folder, env, stdio: 'pipe' })
  const ended = once(child, 'close')
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('enabled: false', () => {
  test('counts and opens nothing, lets requests pass, and holds no timer', async () => {
    expect(await run('off', { DATABASE_URL: 'mysql://is/not/ours' })).toEqual({
      text: 'ok',
      timers: [],
      stats: {
        counted: 0,
        flushed: 0,
        pending: 0,
        failedFlushes: 0,
        failuresInRow: 0,
        mode: 'off',
        counterFileBytes: 0,
      },
      rows: 'OPTION_INVALID',
      files: [],
    })
  })

  test('still refuses what is wrong, so that tests find it', () => {
    const wrong = { enabled: false, bucket: 'week' } as object
    expect(() => apiKeyAnalytics(wrong)).toThrow(/Option "bucket"/)
    expect(() => apiKeyAnalytics({ enabled: false, database: 'mysql://db' })).toThrow(/Use sqlite:<path>/)
    const analytics = apiKeyAnalytics({ enabled: false })
    expect(() => analytics.addEndpointAccess('key', 'no operation')).toThrow(/ARGUMENT_INVALID|operation/)
  })
})

describe("database: ':memory:'", () => {
  test.each([
    [':memory:', {}],
    ['sqlite::memory:', { DATABASE_URL: 'postgres://127.0.0.1:1/production' }],
  ])('%s counts and is read without a file or a timer', async (database, env) => {
    expect(await run(database, env as Record<string, string>)).toMatchObject({
      text: 'ok',
      timers: [],
      stats: {
        counted: 2,
        flushed: 2,
        pending: 0,
        failedFlushes: 0,
        failuresInRow: 0,
        mode: 'memory',
        counterFileBytes: 0,
      },
      rows: [
        { method: 'GET', endpoint: '/users', requestCount: 1 },
        { method: 'POST', endpoint: '/jobs', requestCount: 1 },
      ],
      files: [],
    })
  })

  test('shows each count at once, also after close', async () => {
    const analytics = apiKeyAnalytics({ database: ':memory:', dataDir: folder })
    const other = apiKeyAnalytics({ database: ':memory:', dataDir: folder })
    const usage = await analytics.usage()
    for (const times of [1, 2, 3]) {
      analytics.addEndpointAccess({ id: 'key_1', name: 'Jobs', owner: 'Acme' }, 'POST /jobs')
      await analytics.flush()
      expect(await usage.getMostAccessedEndpoints((await usage.findKeys('Jobs'))[0]!)).toMatchObject([
        { endpoint: '/jobs', requestCount: times },
      ])
    }
    await usage.close()
    analytics.addEndpointAccess({ id: 'key_2' }, 'POST /jobs')
    await analytics.close()
    const rows = await (await analytics.usage()).findUsage({ by: ['key'] })
    expect(rows.map(({ key, requestCount }) => [key!.label, requestCount])).toEqual([
      ['key_1', 3],
      ['key_2', 1],
    ])
    expect(await getOrm(usage).em.fork().count(ApiKeyAnalyticsKey)).toBe(2)
    expect(await (await other.usage()).findUsage({})).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  test('follows a clock that a test sets, before or after it starts', async () => {
    vi.useFakeTimers({ now: new Date('2026-10-31T23:59:00Z') })
    const analytics = apiKeyAnalytics({ database: ':memory:' })
    analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
    vi.setSystemTime(new Date('2026-11-01T00:01:00Z'))
    analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
    vi.useRealTimers()
    analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
    vi.useFakeTimers({ now: new Date('2026-11-02T10:00:00Z') })
    analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
    const usage = await analytics.usage()
    const months = await usage.findUsage({ by: ['month'], until: new Date('2026-11-02T11:00:00Z') })
    expect(months.map(({ month, requestCount }) => [month!.toISOString(), requestCount])).toEqual([
      ['2026-10-01T00:00:00.000Z', 1],
      ['2026-11-01T00:00:00.000Z', 2],
    ])
  })

  test.each([':memory:', 'sqlite::memory:', 'sqlite:file::memory:?cache=shared'])(
    'nobody else can read it: %s is refused',
    async (url) => {
      await expect(openUsage(url)).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('analytics.usage()'),
      })
    },
  )
})

test('usage() of a database in a file shows what was counted before the call', async () => {
  const analytics = apiKeyAnalytics({ database: `sqlite:${join(folder, 'usage.db')}`, dataDir: folder })
  analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
  const usage = await analytics.usage()
  expect(await usage.findUsage({})).toMatchObject([{ requestCount: 1 }])
  await usage.close()
  await analytics.close()
})
