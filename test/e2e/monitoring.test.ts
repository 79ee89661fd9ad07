import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiKeyAnalytics } from '../../src/analytics.ts'
import { migrate } from '../../src/store/database/migrate.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { PROMETHEUS_TYPE } from '../../src/monitoring/render-prometheus.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { findFreePort } from '../support/find-free-port.ts'
import { PROMETHEUS, PROMTOOL } from '../support/find-installed.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { readReadmeBlocks } from '../support/read-readme.ts'
import { serveAnalytics } from '../support/apps/serve-analytics.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

test('while the database is away, the app is ready, and health says what is wrong, until it is back', async () => {
  const database = await makeDatabase('postgresql', { migrated: false })
  {
    await using app = await serveAnalytics({ database: database.url })
    await app.request(3)
    await expect(app.analytics.flush()).rejects.toMatchObject({ code: 'DATABASE_NOT_MIGRATED' })

    const { ready, problems } = app.analytics.health()
    expect({ ready, problems }).toEqual({
      ready: true,
      problems: [
        expect.stringMatching(/^The last .*failed; 3 requests wait\. DATABASE_NOT_MIGRATED: .*migrate/),
      ],
    })
    expect(problems.join()).not.toContain(new URL(database.url).password || 'no password')
    expect(app.analytics.metrics()).toContain('apikey_analytics_requests_pending 3\n')

    await migrate(database.url)
    await app.analytics.flush()
    expect(app.analytics.health()).toEqual({ ready: true, problems: [] })
    expect(app.analytics.metrics()).toContain('apikey_analytics_requests_pending 0\n')
  }
  await database.remove()
})

forEachDatabase('metrics', (_kind, makeUrl) => {
  test('grow with the requests, and have the same series for one key and for many', async () => {
    await using app = await serveAnalytics({ database: await makeUrl() })
    await app.request(2)
    const before = app.analytics.metrics()
    for (let key = 0; key < 50; key += 1) await app.request(1, { key: `key ${key}` })
    await app.analytics.flush()
    const after = app.analytics.metrics()

    expect(before).toContain('apikey_analytics_requests_counted_total 2\n')
    expect(after).toContain('apikey_analytics_requests_counted_total 52\n')
    expect(after).toContain('apikey_analytics_requests_flushed_total 52\n')
    expect(readNumber(after, 'apikey_analytics_disk_usage_bytes')).toBeGreaterThan(0)
    expect(after).not.toContain('key 1')
    expect(seriesOf(after).filter((name) => !seriesOf(before).includes(name))).toEqual([
      'apikey_analytics_flush_age_seconds',
    ])
  })
})

test('the counter files of metrics are those on the disk', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
  const database = await makeDatabase('postgresql', { migrated: false })
  {
    await using app = await serveAnalytics({ database: database.url, dataDir })
    await app.request(10)
    for (let hour = 0; hour < 3; hour += 1) {
      // what waits for the database keeps its file
      app.passTime(3_600_000)
      await app.request(1)
      await app.analytics.flush().catch(() => {})
    }
    const onDisk = execFileSync('find', [dataDir, '-name', '*.counts', '-printf', '%s\n'], {
      encoding: 'utf8',
    })
    const bytes = onDisk.trim().split('\n').map(Number)
    expect(bytes.length).toBeGreaterThan(1)
    expect(app.analytics.stats().counterFileBytes).toBe(bytes.reduce((sum, size) => sum + size, 0))
  }
  await database.remove()
  rmSync(dataDir, { recursive: true, force: true })
})

test('an app that counts in memory, or not at all, as it was asked to, is ready', () => {
  for (const analytics of [apiKeyAnalytics({ database: ':memory:' }), apiKeyAnalytics({ enabled: false })]) {
    expect(analytics.health()).toEqual({ ready: true, problems: [] })
    expect(analytics.metrics()).toContain('apikey_analytics_crash_safe 0\n')
  }
})

describe('docs/grafana-dashboard.json', () => {
  const PERIOD = `bucket between '2026-10-01T00:00:00Z' and '2026-10-31T23:59:59Z'`
  let database: TestDatabase
  let db: Database

  beforeAll(async () => {
    database = await makeDatabase('postgresql')
    await storeUsage(database.url, [
      row(testKey(1, 'mobile', { owner: 'Acme' }), '2026-10-02T10:00:00Z', 8, 200, { tokens: 500 }),
      row(testKey(2, 'jobs', { name: 'Jobs' }), '2026-10-02T11:00:00Z', 2, 503, {}),
      row(testKey(1, 'mobile', { owner: 'Acme' }), '2026-11-02T10:00:00Z', 100, 200, { tokens: 1 }),
    ])
    db = await openDatabase(database.url)
  })

  afterAll(async () => {
    await db?.close()
    await database?.remove()
  })

  test('has one statement per panel, and each returns what the panel shows', async () => {
    const shown: Record<string, unknown> = {}
    for (const { title, targets } of readPanels()) {
      expect({ title, targets: targets.length }).toEqual({ title, targets: 1 })
      const [{ rawSql }] = targets as [{ rawSql: string }]
      // as Grafana does it, also for the column of a table with a short name
      const sql = rawSql.replaceAll(
        /\$__timeFilter\((\w+\.)?bucket\)/g,
        (_all, table: string = '') => table + PERIOD,
      )
      expect(sql).not.toContain('$')
      shown[title] = await db.query(sql)
    }
    const tenOClock = expect.anything() as unknown
    expect(shown).toEqual({
      Requests: [{ requests: 10 }],
      Customers: [{ customers: expect.anything() }],
      'Server errors': [{ errors: 0.2 }],
      'Missing requests': [{ missing: 0 }],
      'Requests by outcome': [
        { time: tenOClock, metric: '2xx', requests: 8 },
        { time: tenOClock, metric: '5xx', requests: 2 },
      ],
      'Most active customers': [
        { customer: 'Acme', requests: 8, refused: null, last_used: expect.anything() },
        { customer: 'Jobs', requests: 2, refused: 2, last_used: expect.anything() },
      ],
      'Most used operations': [
        { method: 'GET', endpoint: '/v1/orders', requests: 10, server_errors: 2, mean_ms: 1.5 },
      ],
      'Mean duration': [
        { time: tenOClock, mean_ms: 1.5 },
        { time: tenOClock, mean_ms: 1.5 },
      ],
      Quantities: [{ time: tenOClock, metric: 'tokens', quantity: 500 }],
    })
    expect(Number((shown['Customers'] as { customers: unknown }[])[0]!.customers)).toBe(1)
  })
})

function row(
  key: ReturnType<typeof testKey>,
  bucket: string,
  requests: number,
  status: number,
  quantities: Record<string, number>,
) {
  return { key, bucket, requests, status, quantities, endpoint: '/v1/orders' }
}

interface Panel {
  readonly title: string
  readonly targets: readonly { readonly rawSql: string }[]
}

function readPanels(): readonly Panel[] {
  const path = new URL('../../docs/grafana-dashboard.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { panels: Panel[] }).panels
}

const RULES = readReadmeBlocks('docs/monitoring.md').find(({ name }) => name.endsWith('.rules.yml'))!.text

test('the rules name metrics that there are', () => {
  const metrics = apiKeyAnalytics({ enabled: false }).metrics()
  const named = [...RULES.matchAll(/expr: (\w+)/g)].map(([, name]) => name)
  expect(named).toEqual(['apikey_analytics_flush_age_seconds', 'apikey_analytics_crash_safe'])
  // the age is absent before the first flush
  expect([...seriesOf(metrics), 'apikey_analytics_flush_age_seconds']).toEqual(expect.arrayContaining(named))
})

describe.skipIf(!PROMETHEUS || !PROMTOOL)('with Prometheus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-prometheus-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('its checker finds nothing to complain of in the metrics', () => {
    const analytics = apiKeyAnalytics({ database: ':memory:' })
    execFileSync(PROMTOOL!, ['check', 'metrics'], { input: analytics.metrics() })
  })

  test('the rules of the page fire when usage is not delivered or not safe, and only then', () => {
    writeFileSync(join(folder, 'rules.yml'), RULES)
    writeFileSync(join(folder, 'test.yml'), RULES_TEST)
    execFileSync(PROMTOOL!, ['test', 'rules', join(folder, 'test.yml')], { encoding: 'utf8' })
  })

  test('it scrapes an app, and answers with what the app counted', async () => {
    await using app = await serveAnalytics({ database: ':memory:' })
    await app.request(7)
    const exposed = createServer((_request, response) => {
      response.setHeader('content-type', PROMETHEUS_TYPE).end(app.analytics.metrics())
    }).listen(0, '127.0.0.1')
    await once(exposed, 'listening')
    const port = await findFreePort()
    const target = `127.0.0.1:${(exposed.address() as AddressInfo).port}`
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `scrape_configs: [{ job_name: app, scrape_interval: 1s, static_configs: [{ targets: ['${target}'] }] }]\n`,
    )
    const child = spawn(
      PROMETHEUS!,
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    )
    try {
      const query = 'apikey_analytics_requests_counted_total'
      await expect
        .poll(() => ask(`http://127.0.0.1:${port}/api/v1/query?query=${query}`), { timeout: PATIENCE_MS })
        .toMatchObject({ data: { result: [{ value: [expect.any(Number), '7'] }] } })
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      exposed.close()
    }
  })
})

const RULES_TEST = `
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - { series: 'apikey_analytics_flush_age_seconds', values: '0x10 0+60x20' }
      - { series: 'apikey_analytics_crash_safe', values: '1x20 0x10' }
    alert_rule_test:
      - { eval_time: 10m, alertname: UsageNotDelivered }
      - { eval_time: 23m, alertname: UsageNotDelivered, exp_alerts: [{ exp_annotations: { summary: 'Usage has not reached the database for ten minutes. It is kept in the counter files.' } }] }
      - { eval_time: 20m, alertname: UsageNotCrashSafe }
      - { eval_time: 28m, alertname: UsageNotCrashSafe, exp_alerts: [{ exp_annotations: { summary: 'Counts are in memory only. Make room on the disk of dataDir.' } }] }
`

function seriesOf(text: string): string[] {
  return text.split('\n').flatMap((line) => (/^\w/.test(line) ? [line.split(' ')[0]!] : []))
}

function readNumber(text: string, name: string): number {
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
}

async function ask(url: string): Promise<unknown> {
  return fetch(url).then(
    (response) => response.json(),
    () => undefined,
  )
}
