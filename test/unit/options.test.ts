import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Router } from '@koa/router'
import { expect, test } from 'vitest'
import { AnalyticsError } from '../../src/model/errors.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import type { AnalyticsOptions } from '../../src/options/options.ts'

const folder = join(import.meta.dirname, 'app')

function refusal(options: unknown, environment: Record<string, string> = {}): AnalyticsError {
  try {
    resolveOptions(options as AnalyticsOptions, environment, folder)
  } catch (error) {
    expect(error).toBeInstanceOf(AnalyticsError)
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    return error as AnalyticsError
  }
  throw new Error('nothing was refused')
}

test('every option has a default', () => {
  expect(resolveOptions(undefined, {}, folder)).toEqual({
    database: `sqlite:${join(folder, '.apikey-analytics/usage.db')}`,
    dataDir: join(folder, '.apikey-analytics'),
    identify: undefined,
    keyword: 'Api-Key',
    header: 'x-api-key',
    endpoint: 'route',
    routes: [],
    ignore: [],
    units: [],
    bucketMinutes: 60,
    mapCounters: true,
    flushIntervalMs: 5000,
    maxEndpointsPerKey: 1000,
    maxEndpointLength: 500,
    maxKeys: 10_000,
    pepper: undefined,
    rateLimitHeaders: false,
    deprecationHeaders: false,
    release: null,
    onError: expect.any(Function),
    enabled: true,
  })
})

test('every option can be given', () => {
  const identify = () => 'key'
  const endpoint = () => '/x'
  const router = new Router()
  expect(
    resolveOptions(
      {
        database: 'postgres://db.internal/usage',
        dataDir: '/var/lib/usage',
        identify,
        keyword: 'Bearer',
        header: 'X-Token',
        endpoint,
        routes: [router, { prefix: '/api/', router: router.routes() }],
        ignore: ['/health', /^\/x/],
        units: ['tokens', 'rows_2'],
        bucket: 'minute',
        flushIntervalMs: 100,
        maxEndpointsPerKey: 1,
        maxEndpointLength: 16,
        maxKeys: 1,
        pepper: 'p',
        rateLimitHeaders: true,
        deprecationHeaders: true,
        release: ' 2.3.1 ',
        onError: () => {},
        enabled: false,
      },
      {
        DATABASE_URL: 'postgres://other/db',
        APIKEY_ANALYTICS_DIR: '/other',
        APIKEY_ANALYTICS_PEPPER: 'other',
      },
    ),
  ).toEqual({
    database: 'postgres://db.internal/usage',
    dataDir: '/var/lib/usage',
    identify,
    keyword: 'Bearer',
    header: 'x-token',
    endpoint,
    routes: [
      { prefix: '', router },
      { prefix: '/api', router },
    ],
    ignore: ['/health', /^\/x/],
    units: ['tokens', 'rows_2'],
    bucketMinutes: 1,
    mapCounters: true,
    flushIntervalMs: 100,
    maxEndpointsPerKey: 1,
    maxEndpointLength: 16,
    maxKeys: 1,
    pepper: 'p',
    deprecationHeaders: true,
    release: '2.3.1',
    rateLimitHeaders: true,
    onError: expect.any(Function),
    enabled: false,
  })
})

test('an option that is undefined has its default', () => {
  const absent = {
    keyword: undefined,
    maxKeys: undefined,
    pepper: undefined,
    routes: undefined,
    ignore: undefined,
    onError: undefined,
  }
  expect(resolveOptions(absent, {}, folder)).toMatchObject({
    keyword: 'Api-Key',
    maxKeys: 10_000,
    ignore: [],
  })
})

test('database, data folder and pepper are read from the environment', () => {
  const environment = {
    DATABASE_URL: 'postgresql://db.internal/usage',
    APIKEY_ANALYTICS_DIR: 'data',
    APIKEY_ANALYTICS_PEPPER: 'salt',
  }
  expect(resolveOptions({}, environment, folder)).toMatchObject({
    database: 'postgresql://db.internal/usage',
    dataDir: join(folder, 'data'),
    pepper: 'salt',
  })
})

test('an empty variable of the environment counts as not set', () => {
  const empty = { DATABASE_URL: '', APIKEY_ANALYTICS_DIR: '', APIKEY_ANALYTICS_PEPPER: '' }
  expect({ ...resolveOptions({}, empty, folder), onError: null }).toEqual({
    ...resolveOptions({}, {}, folder),
    onError: null,
  })
})

test('the release of an app with routers is the version in its package.json, if it has one', () => {
  const root = new URL('../..', import.meta.url).pathname
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const routes = [new Router()]
  expect(resolveOptions({ routes }, {}, root).release).toBe(version)
  expect(resolveOptions({ routes, release: 'a1b2c3' }, {}, root).release).toBe('a1b2c3')
  expect(resolveOptions({ routes }, {}, folder).release).toBeNull()
  expect(resolveOptions({}, {}, root).release).toBeNull()
})

test('counter files are written instead of mapped where the environment says so', () => {
  expect(resolveOptions({}, { APIKEY_ANALYTICS_NO_MMAP: '1' }, folder)).toMatchObject({ mapCounters: false })
})

test.each<[unknown, string]>([
  [null, 'The options are null, expected an object.'],
  ['postgres://api:s3cretPW@db/api', 'The options are of type string, expected an object.'],
  [['postgres://api:s3cretPW@db/api'], 'The options are a list, expected an object.'],
  [{ 'postgres://api:s3cretPW@db/api': true }, 'Unknown option of 30 characters. The options are database'],
  [{ flushInterval: 5 }, "Unknown option 'flushInterval'. The options are database, dataDir, identify"],
  [JSON.parse('{"__proto__": {"maxKeys": 1}}'), "Unknown option '__proto__'"],
  [{ database: 5 }, 'Option "database" is of type number, expected a text or nothing.'],
  [{ dataDir: ' ' }, 'Option "dataDir" is empty'],
  [{ pepper: '' }, 'Option "pepper" is empty'],
  [{ identify: {} }, 'Option "identify" is {}, expected a function.'],
  [{ onError: 'log' }, `Option "onError" is 'log', expected a function.`],
  [{ keyword: 'Api Key' }, `Option "keyword" is 'Api Key', expected one word as it appears in a header.`],
  [{ header: 'x:y' }, 'Option "header"'],
  [{ endpoint: 'routes' }, `Option "endpoint" is 'routes', expected 'route', 'path' or a function.`],
  [{ routes: new Router() }, 'Option "routes" is RouterImplementation'],
  [{ routes: ['/x'] }, `Option "routes[0]" is '/x', expected a router`],
  [{ routes: [new Router(), null] }, 'Option "routes[1]" is null'],
  [{ routes: [{ prefix: '/x' }] }, 'Option "routes[0]" is'],
  [{ routes: [{ prefix: 'x', router: new Router() }] }, `Option "routes[0].prefix" is 'x'`],
  [{ routes: [{ prefix: 5, router: new Router() }] }, 'Option "routes[0].prefix" is 5'],
  [{ routes: [{ stack: [() => {}], match: () => {} }] }, 'Option "routes[0]" is'],
  [{ routes: [(_ctx: unknown) => {}] }, 'Option "routes[0]" is [Function'],
  [{ release: '' }, `Option "release" is '', expected a name such as '2.3.1'.`],
  [{ release: 5 }, 'Option "release" is 5'],
  [{ deprecationHeaders: 1 }, 'Option "deprecationHeaders" is 1, expected true or false.'],
  [{ ignore: '/x' }, 'Option "ignore"'],
  [{ ignore: ['x'] }, 'Option "ignore"'],
  [{ unit: ['tokens'] }, "Unknown option 'unit'. The options are"],
  [{ units: 'tokens' }, `Option "units" is 'tokens', expected a list of names such as ['tokens', 'rows'].`],
  [{ units: ['Tokens'] }, `Option "units" is 'Tokens', expected names of a-z`],
  [{ units: ['a b'] }, 'Option "units"'],
  [{ units: ['1st'] }, 'Option "units"'],
  [{ units: ['t'.repeat(33)] }, 'Option "units"'],
  [{ units: [undefined] }, 'Option "units" is undefined'],
  [{ units: [Symbol('tokens')] }, 'Option "units" is Symbol(tokens)'],
  [
    { units: ['requests'] },
    `Option "units" is 'requests', expected other names: requests are always counted.`,
  ],
  [{ units: ['rows', 'tokens', 'rows'] }, `Option "units" is 'rows', expected each name once.`],
  [
    { units: Array.from({ length: 17 }, (_, n) => `unit_${n}`) },
    'Option "units" is 17, expected 16 names at most.',
  ],
  [{ bucket: 'week' }, `Option "bucket" is 'week', expected 'minute', 'hour' or 'day'.`],
  [{ bucket: 'toString' }, 'Option "bucket"'],
  [{ bucket: null }, 'Option "bucket" is null'],
  [{ flushIntervalMs: 99 }, 'Option "flushIntervalMs" is 99, expected a whole number from 100 to 3600000.'],
  [{ flushIntervalMs: '5000' }, 'Option "flushIntervalMs"'],
  [{ flushIntervalMs: 3_600_001 }, 'Option "flushIntervalMs"'],
  [{ maxKeys: 0 }, 'Option "maxKeys"'],
  [{ maxKeys: 1.5 }, 'Option "maxKeys"'],
  [{ maxKeys: Number.NaN }, 'Option "maxKeys"'],
  [{ maxEndpointsPerKey: 1_000_001 }, 'Option "maxEndpointsPerKey"'],
  [{ maxEndpointLength: 15 }, 'Option "maxEndpointLength"'],
  [{ maxEndpointLength: 501 }, 'Option "maxEndpointLength"'],
  [{ enabled: 'no' }, `Option "enabled" is 'no', expected true or false.`],
  [
    { database: 'mysql://localhost/x' },
    'The databases are SQLite and PostgreSQL, and not "mysql". Use sqlite:<path>',
  ],
])('%j is refused with what was found and what is expected', (options, message) => {
  expect(refusal(options).message).toContain(message)
})

test('a refusal never repeats a password or the pepper, and names DATABASE_URL where it came from', () => {
  const url = 'mysql://root:hunter2@localhost/x'
  expect(refusal({ database: url }).message).not.toContain('hunter2')
  const fromEnvironment = refusal({}, { DATABASE_URL: url }).message
  expect(fromEnvironment).not.toContain('hunter2')
  expect(fromEnvironment).toContain('DATABASE_URL')
  expect(refusal({ pepper: { hunter2: 'hunter2' } }).message).not.toContain('hunter2')
})

test('an inherited property is no option', () => {
  const inherited = Object.create({ maxKeys: 1, keyword: 'Bearer' }) as AnalyticsOptions
  expect(resolveOptions(inherited, {}, folder)).toMatchObject({ maxKeys: 10_000, keyword: 'Api-Key' })
})

test('a later change of the options changes nothing', () => {
  const ignore = ['/a']
  const resolved = resolveOptions({ ignore }, {}, folder)
  ignore.push('/b')
  expect(resolved.ignore).toEqual(['/a'])
})

test('an onError that throws or rejects hurts nobody', async () => {
  const rejections: unknown[] = []
  const note = (cause: unknown) => rejections.push(cause)
  process.on('unhandledRejection', note)
  let asked = 0
  const failing = [
    () => {
      asked++
      throw new Error('no')
    },
    async () => {
      asked++
      throw new Error('no')
    },
  ]
  for (const onError of failing)
    resolveOptions({ onError }, {}, folder).onError(new AnalyticsError('INTERNAL', 'x'))
  await setImmediate()
  process.off('unhandledRejection', note)
  expect([asked, rejections]).toEqual([2, []])
})

test('without onError each code is warned of once', async () => {
  const { onError } = resolveOptions({}, {}, folder)
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  const warned = once(process, 'warning')
  for (const code of ['INTERNAL', 'IDENTIFY_FAILED', 'INTERNAL'] as const)
    onError(new AnalyticsError(code, code))
  await warned
  await setImmediate()
  process.off('warning', note)
  expect(warnings).toMatchObject([
    { name: 'ApiKeyAnalyticsWarning', code: 'INTERNAL', message: 'INTERNAL' },
    { name: 'ApiKeyAnalyticsWarning', code: 'IDENTIFY_FAILED' },
  ])
})
