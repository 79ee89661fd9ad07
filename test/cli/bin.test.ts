import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/index.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { runBin } from '../support/cli/start-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile app', owner: 'acme' })

/** How the output of each command begins, on a database with one key. `alerts retry`, `dashboard` and `demo` have tests of their own. */
const FIRST_WORDS: Record<string, string> = {
  'export --columns keyLabel,requestCount': 'keyLabel,requestCount\r\nsk_l…9f2a,7\r\n',
  'import old.ndjson --columns key=id,requests=n --day 2025-01-01': 'Imported old.ndjson as import 1',
  'imports list': 'Imports',
  'imports remove 1 --yes': 'Removed import 1',
  flush: 'Nothing to deliver',
  'alerts check': 'Alerts',
  'alerts list': 'Alerts',
  'keys list': 'Keys',
  'keys name aaaaaaaa-0000-4000-8000-000000000001 --owner acme':
    'aaaaaaaa-0000-4000-8000-000000000001 is Mobile app',
  migrate: 'SQLite ',
  'move --cancel': 'Nothing to cancel: SQLite ',
  'completion bash': '# bash completion of apikey-analytics',
  'complete zsh -- repo': '\0\0report\0',
  'help report': 'NAME\n  apikey-analytics report - show who called what',
  'close --month 2026-10 --billable 2xx': 'Closed 2026-10',
  'statements list': 'No.  Period',
  'statements show 1': 'Statement 1',
  'statements check': 'OK: 1 statement',
  'prune --before 2026-11-01 --yes --key sk_l': 'Pruned 1 row with 7 requests.',
  'quotas set sk_l --limit 10': 'Mobile app (sk_l…9f2a) may use 10 requests per month (UTC).',
  'quotas list': 'Quotas',
  'quotas remove sk_l': 'Mobile app (sk_l…9f2a) has no quota',
  'keys link sk_t --continues sk_l': 'sk_t…0001 continues Mobile app (sk_l…9f2a). Line of 2 keys: ',
  'keys unlink sk_t': 'sk_t…0001 no longer continues Mobile app (sk_l…9f2a).',
  'routes list': 'Routes',
  'routes deprecate /users/:id': 'GET /users/:id is deprecated',
  'routes undeprecate /users/:id': 'GET /users/:id is not deprecated',
  report: 'Usage overview',
  security: 'Security findings',
  verify: 'Where every counted request is',
  'keys owners aaaaaaaa-0000-4000-8000-000000000001': 'Owners',
  'customers list': 'Customers',
  'customers rename acme globex': 'acme',
  'keys forget aaaaaaaa-0000-4000-8000-000000000001 --yes': 'Forgot Mobile app',
}

describe('bin/run.js of the build', () => {
  let database: TestDatabase
  let dataDir: string
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'apikey-analytics-test-'))
    await writeFile(join(dataDir, 'old.ndjson'), '{"id":"old","n":3}')
    database = await makeDatabase('sqlite')
    await storeUsage(database.url, [
      { key: acme, bucket: '2026-10-01T10:00Z', requests: 7 },
      { key: testKey(2, 'sk_t…0001'), bucket: '2026-10-01T11:00Z', requests: 1 },
    ])
    const store = new DatabaseStore({ url: database.url, pepperCheck: '' })
    const routes = [{ endpoint: '/users/:id', method: 'GET' }]
    await store.registerRoutes({ routes, release: null, at: Date.now() })
    await store.close()
  })
  afterAll(async () => {
    await database.remove()
    await rm(dataDir, { recursive: true })
  })

  test.each(Object.entries(FIRST_WORDS))('runs %s', async (command, words) => {
    const env = { DATABASE_URL: database.url, APIKEY_ANALYTICS_DIR: dataDir }
    const { code, stdout } = await runBin(command.split(' '), { env, cwd: dataDir })
    expect({ code, start: stdout.slice(0, words.length) }).toEqual({ code: 0, start: words })
  })

  test('is tried with every command', () => {
    const tried = Object.keys(FIRST_WORDS)
    const untried = Object.keys(COMMANDS).filter(
      (id) => !tried.some((command) => command.startsWith(id.replace(':', ' '))),
    )
    expect(untried.sort()).toEqual(['alerts:retry', 'dashboard', 'demo'])
  })
})
