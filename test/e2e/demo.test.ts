import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openUsage } from '../../src/index.ts'
import { runCli } from '../support/cli/run-cli.ts'
import type { CliResult } from '../support/cli/run-cli.ts'
import { runBin } from '../support/cli/start-cli.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'apikey-analytics-demo-')))
const demoDir = join(folder, '.apikey-analytics', 'demo')
// A database of one's own in the environment, which the demo must leave alone: nothing listens there.
const env = { DATABASE_URL: 'postgres://127.0.0.1:1/real', APIKEY_ANALYTICS_DIR: '' }
let demo: CliResult
let answered: number

beforeAll(async () => {
  demo = await runBin(['demo'], { cwd: folder, env })
  answered = Number(/([\d,]+) requests were answered/.exec(demo.stderr)?.[1]?.replaceAll(',', ''))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the demo shows an overview, a key and an endpoint, says where its data is, and exits 0', () => {
  expect(demo.code).toBe(0)
  expect(demo.stdout).toContain('Usage overview')
  expect(demo.stdout).toContain('Endpoints of Charts (key_charts)')
  expect(demo.stdout).toContain('Who calls POST /v1/orders')
  expect(demo.stderr).toContain(join(demoDir, 'usage.db'))
  expect(demo.stderr).toContain('npx apikey-analytics report --data-dir .apikey-analytics/demo')
  expect(answered).toBeGreaterThan(3000)
})

test('every request of the demo is in its database, with each outcome, a nested route and a HEAD', async () => {
  const usage = await openUsage(`sqlite:${join(demoDir, 'usage.db')}`)
  const [total] = await usage.findUsage({})
  const statuses = await usage.findUsage({ by: ['status'], sort: 'group' })
  const days = await usage.findUsage({ by: ['day'] })
  const operations = await usage.findUsage({ by: ['method', 'endpoint'] })
  const keys = await usage.findUsage({ by: ['key'] })
  await usage.close()
  expect(total?.requestCount).toBe(answered)
  expect(statuses.map(({ status }) => status)).toEqual([200, 201, 304, 401, 403, 404, 500])
  expect(days.length).toBeGreaterThanOrEqual(7)
  expect(operations.map(({ method, endpoint }) => `${method} ${endpoint}`)).toEqual(
    expect.arrayContaining(['HEAD /v1/products/:id', 'GET /v1/customers/:customerId/invoices/:number']),
  )
  expect(keys.map(({ key }) => key?.label)).toEqual(
    expect.arrayContaining(['key_mobile', 'key_trial', '(rejected)', '(other)']),
  )
})

test('the demo sells rows, and tokens of streams, each counted with its request', async () => {
  const usage = await openUsage(`sqlite:${join(demoDir, 'usage.db')}`)
  const found = await usage.findUsage({ by: ['method', 'endpoint', 'status'], units: true })
  await usage.close()
  const sold = found.filter(({ quantities = [] }) => quantities.length > 0)
  expect(sold.map(({ endpoint, status }) => `${endpoint} ${status}`).toSorted()).toEqual([
    '/v1/products 200',
    '/v1/reports/:year 200',
  ])
  for (const { requestCount, quantities = [] } of sold) {
    const perRequest = quantities[0]!.unit === 'rows' ? 100n : 36n
    expect(quantities).toMatchObject([{ requestCount, quantity: BigInt(requestCount) * perRequest }])
  }
})

test('the commands that the demo names work as they stand', async () => {
  const commands = [...demo.stderr.matchAll(/^ {2}npx apikey-analytics (.*)$/gm)].map(([, args = '']) =>
    [...args.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  )
  expect(commands.length).toBeGreaterThan(3)
  for (const args of commands) {
    const { code, stdout } = await runCli(args, { cwd: folder })
    expect({ args, code }).toEqual({ args, code: 0 })
    expect(stdout).not.toBe('')
  }
})

test('the demo keeps apart from real data and leaves no secret behind', () => {
  expect(readdirSync(join(folder, '.apikey-analytics'))).toEqual(['demo'])
  const files = readdirSync(demoDir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(demoDir, name))
    .filter((path) => statSync(path).isFile())
  expect(files).toContain(join(demoDir, 'usage.db'))
  for (const path of files) expect(readFileSync(path, 'latin1')).not.toContain('sk_demo_')
})

test('a second demo says that it adds to the first, and the counts stay provable', async () => {
  const limits = new Set<number>()
  const note = (message: unknown) => limits.add((message as { server: Server }).server.keepAliveTimeout)
  subscribe('http.server.request.start', note)
  const again = await runCli(['demo', '--json'], { cwd: folder, env })
  unsubscribe('http.server.request.start', note)
  expect(again.code).toBe(0)
  expect(again.stderr).toContain('Adds to what earlier demos left')
  const { requests } = JSON.parse(again.stdout) as { requests: number }
  const verified = await runCli(['verify', '--json', '--data-dir', demoDir])
  expect(verified.code).toBe(0)
  expect(JSON.parse(verified.stdout)).toMatchObject({
    accountedFor: true,
    storedRequests: answered + requests,
  })
  // 0: no connection ends while it is idle, however long a busy machine makes it wait for its next request
  expect([...limits]).toEqual([0])
})

test('the demo refuses to write into a database of one’s own', async () => {
  const refused = await runCli(['demo', '--database', 'postgres://127.0.0.1:1/real'], { cwd: folder })
  expect(refused).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('Leave --database out'),
  })
})
