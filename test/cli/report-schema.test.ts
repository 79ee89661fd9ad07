import { beforeAll, expect, test } from 'vitest'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

/** The documented fields of `report --json`: add to these lists, never take away or rename. */
const HEAD = ['report', 'title', 'database', 'dataDir', 'period', 'total']
const COMPARED_HEAD = HEAD.toSpliced(-1, 0, 'previous')
const MEASURES = [
  'requests',
  'clientErrors',
  'serverErrors',
  'rejected',
  'errorRate',
  'meanDurationMs',
  'firstUsed',
  'lastUsed',
]
const COMPARED = ['previousRequests', 'change']
const KEY = ['id', 'label', 'name', 'owner']

const acme = testKey(1, 'sk_l…9f2a', { name: 'Mobile app', owner: 'acme' })
const ROWS = [
  { key: acme, bucket: '2026-08-31T10:00Z', requests: 1 },
  { key: acme, bucket: '2026-09-15T10:00Z', requests: 10 },
  { key: acme, bucket: '2026-10-15T10:00Z', requests: 30 },
]

forEachDatabase('the JSON schema', (_kind, makeUrl) => {
  let env: Record<string, string>
  const json = async (...args: string[]) =>
    JSON.parse((await runCli(['report', '--month', '2026-10', '--json', ...args], { env })).stdout)
  beforeAll(async () => {
    env = { DATABASE_URL: await makeUrl() }
    await storeUsage(env['DATABASE_URL']!, ROWS)
  })

  test('of an overview is stable', async () => {
    const overview = await json()
    expect(Object.keys(overview)).toEqual([
      ...COMPARED_HEAD,
      'activeKeys',
      'activeEndpoints',
      'series',
      'sections',
      'notes',
    ])
    expect(overview.report).toBe('overview')
    expect(Object.keys(overview.period)).toEqual([
      'since',
      'until',
      'timeZone',
      'text',
      'complete',
      'figuresTo',
    ])
    expect(Object.keys(overview.previous)).toEqual(['since', 'until', 'text', 'historyBegins'])
    expect(Object.keys(overview.total)).toEqual([...MEASURES, ...COMPARED])
    expect(Object.keys(overview.series)).toEqual(['unit', 'steps'])
    expect(Object.keys(overview.series.steps[0])).toEqual(['start', 'requests', 'errors'])
    const [owners, keys, endpoints] = overview.sections
    expect(Object.keys(owners.groups[0])).toEqual(['owner', ...MEASURES, 'share', 'trend'])
    expect(Object.keys(keys)).toEqual(['by', 'groupCount', 'keyCount', 'groups'])
    expect(Object.keys(keys.groups[0])).toEqual(['key', ...MEASURES, 'share', 'trend'])
    expect(Object.keys(keys.groups[0].key)).toEqual(KEY)
    expect(Object.keys(endpoints.groups[0])).toEqual(['method', 'endpoint', ...MEASURES, 'share', 'trend'])
    expect(overview.notes).toEqual([])
  })

  test.each([
    ['key'],
    ['endpoint', 'method', 'endpoint'],
    ['path', 'endpoint'],
    ['method'],
    ['status'],
    ['owner'],
  ])('of groups by %s is stable', async (by, ...dimensions) => {
    const usage = await json('--by', by, '--compare', 'previous')
    const named = dimensions.length > 0 ? dimensions : [by]
    expect(Object.keys(usage)).toEqual([...COMPARED_HEAD, 'series', 'sections', 'notes'])
    expect(usage.report).toBe('usage')
    expect(usage.sections[0].by).toEqual(named)
    expect(Object.keys(usage.sections[0].groups[0])).toEqual([
      ...named,
      ...MEASURES,
      ...COMPARED,
      'share',
      'trend',
    ])
  })

  test.each(['hour', 'day', 'week', 'month'])('of groups by %s is stable', async (by) => {
    const usage = await json('--by', by)
    expect(Object.keys(usage)).toEqual([...HEAD, 'sections', 'notes'])
    expect(Object.keys(usage.sections[0].groups[0])).toEqual([by, ...MEASURES, 'share'])
  })

  test('of durations is stable', async () => {
    const usage = await json('--by', 'key', '--latency')
    const measures = [...MEASURES, 'measured', 'p50Ms', 'p95Ms', 'p99Ms']
    expect(Object.keys(usage.total)).toEqual(measures)
    expect(Object.keys(usage.sections[0].groups[0])).toEqual(['key', ...measures, 'share', 'trend'])
  })

  test('of an invoice is stable', async () => {
    const invoice = await json('--billable', '2xx')
    expect(Object.keys(invoice)).toEqual([...HEAD, 'sections', 'notes'])
    expect(invoice.report).toBe('invoice')
    expect(Object.keys(invoice.sections[0].groups[0])).toEqual([
      'key',
      'method',
      'endpoint',
      ...MEASURES,
      'share',
    ])
  })
})
