import { beforeAll, expect, it } from 'vitest'
import { answerApi } from '../../src/dashboard/api.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../src/usage.ts'
import { forEachDatabase } from '../support/for-each-database.ts'
import { runCli } from '../support/run-cli.ts'
import { storeUsage, testKey } from '../support/store-usage.ts'

const acme = testKey(1, 'acme')
const ROWS = [
  { key: acme, bucket: '2026-09-01T10:00Z', requests: 100 },
  { key: OTHER_KEY, bucket: '2026-09-01T10:00Z', status: 404, requests: 6 },
  { key: acme, bucket: '2026-10-01T10:00Z', endpoint: '/files/*path', requests: 5 },
  { key: acme, bucket: '2026-10-01T10:00Z', endpoint: '/files/list/path', requests: 20 },
  { key: OTHER_KEY, bucket: '2026-10-01T10:00Z', status: 404, requests: 2 },
  { key: REJECTED_KEY, bucket: '2026-10-01T10:00Z', status: 401, requests: 3 },
]

forEachDatabase('names that mean more than one', (_kind, makeUrl) => {
  let env: Record<string, string>
  const run = (...args: string[]) => runCli([...args, '--month', '2026-10'], { env })
  beforeAll(async () => {
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: '/nowhere' }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })

  const ask = async (name: string, query: Record<string, string> = {}) => {
    const db = await openDatabase(env['DATABASE_URL']!)
    try {
      const { body } = await answerApi(
        async () => db,
        { name, query: { month: '2026-10', ...query } },
        '/nowhere',
      )
      return JSON.parse(body)
    } finally {
      await db.close()
    }
  }

  it('counts (other) and (rejected) as no keys, and shows their requests', async () => {
    const { stdout } = await run('report')
    expect(stdout).toContain('30 requests')
    expect(stdout).toContain('1 key · 3 endpoints')
    expect(stdout).toMatch(/^\(rejected\) +3 /m)
    expect(stdout).toMatch(/^Total of 1 key +30 /m)
    expect(JSON.parse((await run('report', '--by', 'key', '--json')).stdout).sections[0]).toMatchObject({
      groupCount: 3,
      keyCount: 1,
    })
    expect(await ask('activity')).toMatchObject({ activeKeys: 1, previous: { activeKeys: 1 } })
  })

  it('takes the name of a stored endpoint with a star for that endpoint, and any other for a glob', async () => {
    const requests = async (endpoint: string) => {
      const { stdout } = await run('report', '--json', '--endpoint', endpoint)
      const { total } = await ask('report', { endpoint })
      expect(JSON.parse(stdout).total.requests).toBe(total.requests)
      return total.requests
    }
    expect(await requests('/files/*path')).toBe(5)
    expect(await requests('/files/*')).toBe(25)
    expect((await run('report', '--endpoint', 'GET /files/*path')).stdout).toMatch(
      /^Who calls GET \/files\/\*path$/m,
    )
    expect((await run('export', '--columns', 'endpoint', '--endpoint', '/files/*path')).stdout).toBe(
      'endpoint\r\n/files/*path\r\n',
    )
  })
})
