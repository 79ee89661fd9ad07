import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { findFreePort } from '../support/find-free-port.ts'
import { installWithoutScripts } from '../support/apps/install-package.ts'
import type { InstalledApp } from '../support/apps/install-package.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { listPages, readReadmeFile } from '../support/read-readme.ts'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

let app: InstalledApp
let database: TestDatabase

beforeAll(async () => {
  // no install script of a dependency is needed, so no compiler either
  app = await installWithoutScripts(
    'koa',
    '@koa/router',
    '@mikro-orm/core@7.2.0',
    '@mikro-orm/postgresql@7.2.0',
  )
  database = await makeDatabase('postgresql', { migrated: false })
})

afterAll(async () => {
  await database?.remove()
  app?.remove()
})

test('the package holds the compiled sources, the command and its pages, and nothing else', () => {
  const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.startsWith('dashboard/page'))
    .map((path) => path.slice(0, -'.ts'.length))
  const page = ['api-usage.js', 'index.html', 'page.css', 'page.js'].map(
    (file) => `dist/dashboard/page/${file}`,
  )
  const docs = [...listPages(), 'docs/grafana-dashboard.json'].filter((page) => page.startsWith('docs/'))
  const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin/run.js', 'package.json', ...docs]
  const compiled = sources.flatMap((path) => [`dist/${path}.js`, `dist/${path}.d.ts`])
  expect(app.files.toSorted()).toEqual([...papers, ...page, ...compiled].toSorted())
})

test('publint and attw find nothing wrong with the package', async () => {
  const publint = await app.run('publint', ['run', app.tarball, '--strict'])
  expect(publint).toMatchObject({ code: 0 })
  const attw = await app.run('attw', [app.tarball, '--profile', 'esm-only'])
  expect(attw).toMatchObject({ code: 0 })
})

test('the package exports exactly these names', async () => {
  const names = async (from: string) =>
    JSON.parse(
      await runScript(`console.log(JSON.stringify(Object.keys(await import('${from}'))))`),
    ) as string[]
  expect(await names('apikey-analytics')).toEqual([
    'AnalyticsError',
    'DEFAULT_THRESHOLDS',
    'OTHER_ENDPOINT',
    'OTHER_KEY',
    'OTHER_METHOD',
    'PROMETHEUS_TYPE',
    'REJECTED_KEY',
    'UNMATCHED_ENDPOINT',
    'addUsage',
    'analyticsDashboard',
    'apiKeyAnalytics',
    'apiKeyUsage',
    'findFindings',
    'measureQuantileUs',
    'mergeLatency',
    'observeMetrics',
    'openUsage',
    'setApiKey',
    'setEndpoint',
    'setUsage',
  ])
  expect(await names('apikey-analytics/orm')).toEqual([
    'ApiKeyAnalytics',
    'ApiKeyAnalyticsAlert',
    'ApiKeyAnalyticsAlertDelivery',
    'ApiKeyAnalyticsAlertDeliverySchema',
    'ApiKeyAnalyticsAlertSchema',
    'ApiKeyAnalyticsGap',
    'ApiKeyAnalyticsGapSchema',
    'ApiKeyAnalyticsKey',
    'ApiKeyAnalyticsKeySchema',
    'ApiKeyAnalyticsLedger',
    'ApiKeyAnalyticsLedgerSchema',
    'ApiKeyAnalyticsLedgerUnit',
    'ApiKeyAnalyticsLedgerUnitSchema',
    'ApiKeyAnalyticsLink',
    'ApiKeyAnalyticsLinkSchema',
    'ApiKeyAnalyticsMeta',
    'ApiKeyAnalyticsMetaSchema',
    'ApiKeyAnalyticsOwner',
    'ApiKeyAnalyticsOwnerSchema',
    'ApiKeyAnalyticsOwnerUsage',
    'ApiKeyAnalyticsOwnerUsageSchema',
    'ApiKeyAnalyticsPrune',
    'ApiKeyAnalyticsPruneSchema',
    'ApiKeyAnalyticsPrunedQuantity',
    'ApiKeyAnalyticsPrunedQuantitySchema',
    'ApiKeyAnalyticsQuantity',
    'ApiKeyAnalyticsQuantitySchema',
    'ApiKeyAnalyticsQuota',
    'ApiKeyAnalyticsQuotaSchema',
    'ApiKeyAnalyticsSchema',
    'ApiKeyAnalyticsStatement',
    'ApiKeyAnalyticsStatementAccount',
    'ApiKeyAnalyticsStatementAccountSchema',
    'ApiKeyAnalyticsStatementLine',
    'ApiKeyAnalyticsStatementLineSchema',
    'ApiKeyAnalyticsStatementOwner',
    'ApiKeyAnalyticsStatementOwnerSchema',
    'ApiKeyAnalyticsStatementRemoval',
    'ApiKeyAnalyticsStatementRemovalSchema',
    'ApiKeyAnalyticsStatementSchema',
    'ApiKeyAnalyticsUnsealed',
    'ApiKeyAnalyticsUnsealedSchema',
    'ENTITIES',
    'MIGRATIONS',
    'MIGRATIONS_TABLE',
    'getOrm',
  ])
})

test('importing the middleware loads neither MikroORM nor oclif', async () => {
  const loaded = await runScript(`
    import { registerHooks } from 'node:module'
    const urls = []
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
    const { apiKeyAnalytics } = await import('apikey-analytics')
    console.log(JSON.stringify([typeof apiKeyAnalytics, ...urls]))`)
  const [kind, ...urls] = JSON.parse(loaded) as string[]
  expect(kind).toBe('function')
  expect(urls.some((url) => url.includes('/apikey-analytics/dist/analytics.js'))).toBe(true)
  expect(urls.filter((url) => /@mikro-orm|@oclif/.test(url))).toEqual([])
})

test('the ten lines of the README count into a migrated PostgreSQL, and the report shows it', async () => {
  const port = await findFreePort()
  writeFileSync(join(app.folder, 'app.js'), readReadmeFile('app.js').replace('3000', String(port)))
  const env = { DATABASE_URL: database.url }
  const migrated = await app.run('npx', ['apikey-analytics', 'migrate'], env)
  expect(migrated).toMatchObject({ code: 0, stdout: expect.stringContaining('Applied') })
  const server = app.serve('app.js', env)
  try {
    for (const id of [1, 2, 3]) await askUntilServed(`http://127.0.0.1:${port}/users/${id}`, server)
    expect(await readRequestCount(env, 3)).toBe(3)
  } finally {
    server.kill('SIGTERM')
    await once(server, 'close')
  }
  const report = await app.run('npx', ['apikey-analytics', 'report'], env)
  expect(report).toMatchObject({ code: 0, stdout: expect.stringMatching(/GET \/users\/:id +3/) })
  expect(report.stdout + report.stderr).not.toContain(new URL(database.url).password)
})

test('an app with another MikroORM 7.2 works beside it, and its schema diff leaves our tables alone', async () => {
  const output = await runScript(
    `
    import { MikroORM, defineEntity, p } from '@mikro-orm/postgresql'
    import { MikroORM as Core } from '@mikro-orm/core'
    import { openUsage } from 'apikey-analytics'
    import { ApiKeyAnalytics, getOrm } from 'apikey-analytics/orm'
    const Customer = defineEntity({ name: 'Customer', properties: { id: p.integer().primary() } })
    const orm = new MikroORM({
      entities: [Customer],
      clientUrl: process.env.DATABASE_URL,
      schemaGenerator: { skipTables: [/^api_key_analytics/] },
    })
    const usage = await openUsage()
    const stored = await getOrm(usage).em.fork().count(ApiKeyAnalytics)
    await orm.schema.update()
    await orm.em.fork().insertMany(Customer, [{ id: 1 }, { id: 2 }])
    const customers = await orm.em.fork().count(Customer)
    const diff = await orm.schema.getUpdateSchemaSQL()
    const [row] = await usage.findUsage({})
    console.log(JSON.stringify({ stored, customers, diff, requests: row.requestCount, two: !(getOrm(usage) instanceof Core) }))
    await orm.close()
    await usage.close()`,
    { DATABASE_URL: database.url },
  )
  expect(JSON.parse(output)).toEqual({ stored: 1, customers: 2, diff: '', requests: 3, two: true })
})

test('a Node that is too old is told which version is needed, before anything is loaded', async () => {
  const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.17.9' } })`
  const bin = join('node_modules', 'apikey-analytics', 'bin', 'run.js')
  const result = await app.run('node', ['--import', `data:text/javascript,${old}`, bin, 'report'])
  expect(result).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^apikey-analytics needs Node 22\.18 or newer; .*\n$/),
  })
})

test('counts into mapped files and SQLite without any install script of a dependency', async () => {
  const counted = await runScript(`
    import { apiKeyAnalytics } from 'apikey-analytics'
    const analytics = apiKeyAnalytics({ dataDir: 'without-scripts' })
    analytics.addEndpointAccess({ id: 'key_1' }, 'POST /jobs')
    const usage = await analytics.usage()
    const [total] = await usage.findUsage({})
    console.log(JSON.stringify([analytics.stats().mode, total.requestCount]))
    await usage.close()
    await analytics.close()`)
  expect(JSON.parse(counted)).toEqual(['mapped', 1])
})

async function runScript(code: string, env: Record<string, string> = {}): Promise<string> {
  const result = await app.run('node', ['--input-type=module', '--eval', code], env)
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return result.stdout
}

async function askUntilServed(url: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const answer = await fetch(url, { headers: { 'x-api-key': 'a key of the test' } }).catch(() => undefined)
    if (answer?.status === 200) return
    if (server.exitCode !== null || Date.now() > deadline) throw new Error(`${url} was not served.`)
    await sleep(50)
  }
}

/** Requests in the report, once they are at least so many. */
async function readRequestCount(env: Record<string, string>, least: number): Promise<number> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const { stdout } = await app.run('npx', ['apikey-analytics', 'report', '--json'], env)
    const { total } = JSON.parse(stdout) as { total: { requests: number } }
    if (total.requests >= least || Date.now() > deadline) return total.requests
    await sleep(250)
  }
}
