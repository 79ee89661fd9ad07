import Koa from 'koa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { analyticsDashboard } from '../../src/dashboard/dashboard.ts'
import type { AnalyticsDashboard } from '../../src/dashboard/dashboard.ts'
import { REJECTED_KEY } from '../../src/model/key.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { listen } from '../support/apps/listen.ts'
import type { Listening } from '../support/apps/listen.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

let database: TestDatabase
let dashboard: AnalyticsDashboard
let server: Listening

beforeAll(async () => {
  database = await makeDatabase('sqlite')
  await storeUsage(database.url, [
    { key: REJECTED_KEY, bucket: '2026-11-01T03:00Z', endpoint: '/login', status: 401, requests: 1234 },
  ])
  dashboard = analyticsDashboard({ authorize: () => true, database: database.url, dataDir: EMPTY_DATA_DIR })
  server = await listen(new Koa().use(dashboard).callback())
})
afterAll(async () => {
  await server.close()
  await dashboard.close()
  await database.remove()
})

function ask(query: string): Promise<Response> {
  return fetch(`${server.url}/usage/api/security?${query}`)
}

test('the dashboard gives the same findings as the command', async () => {
  const answer = await ask('since=2026-11-01&until=2026-11-02')
  const period = ['--since', '2026-11-01', '--until', '2026-11-02']
  const { stdout } = await runCli(['security', ...period, '--json'], {
    env: { DATABASE_URL: database.url, APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR },
  })
  const found = (await answer.json()) as { findings: object[] }
  expect(found.findings).toMatchObject([{ kind: 'rejected-burst', severity: 'critical' }])
  expect(JSON.parse(stdout)).toEqual(found)
})

test.each([
  ['since=2026-01-01', 400],
  ['since=yesterday', 400],
  ['threshold=1', 400],
  ['', 200],
])('the dashboard answers %j with %d', async (query, status) => {
  expect((await ask(query)).status).toBe(status)
})
