import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Router } from '@koa/router'
import Koa from 'koa'
import type { Context } from 'koa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAnalytics } from '../../src/analytics.ts'
import type { ApiKeyAnalytics } from '../../src/api-key-analytics.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'
import type { AnalyticsOptions } from '../../src/options/options.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../src/model/key.ts'
import type { UsageQuery } from '../../src/model/usage-query.ts'
import { listen } from '../support/apps/listen.ts'
import type { Listening } from '../support/apps/listen.ts'
import { HOUR } from '../support/usage/make-batch.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { until } from '../support/apps/serve-app.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const folders: string[] = []
const MEGABYTE = 1024 * 1024

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-hostile-'))
  folders.push(folder)
  return folder
}

/** Analytics that counts for real, in one hour, and flushes when it is told to. */
function start(options: AnalyticsOptions = {}) {
  const dataDir = makeFolder()
  const errors: AnalyticsError[] = []
  const onError = (error: AnalyticsError) => void errors.push(error)
  const given = { dataDir, database: `sqlite:${dataDir}/usage.db`, flushIntervalMs: 3_600_000, onError }
  const analytics = startAnalytics({ ...given, ...options }, () => HOUR)
  return { analytics, dataDir, errors, url: given.database }
}

async function readUsage(url: string, query: UsageQuery) {
  const db = await openDatabase(url)
  try {
    const { balanced, storedRequests } = await verifyUsage(db)
    expect(balanced).toBe(true)
    return { storedRequests, rows: await findUsage(db, query) }
  } finally {
    await db.close()
  }
}

describe('very many requests', () => {
  /** Far past every limit; of keys so many that a few bytes for each of them would be found. */
  const [MANY, GUESSES] = [200_000, 500_000]
  const collect = (setFlagsFromString('--expose-gc'), runInNewContext('gc') as () => void)
  const layers = [{ path: '/things', methods: ['GET'] }]

  /** What Koa would hand over, as little as the middleware looks at. */
  function contextOf(key: string, path: string, status: number, matched: unknown): Context {
    const req = { headers: { 'x-api-key': key }, method: 'GET' }
    return {
      req,
      res: { statusCode: status },
      originalUrl: path,
      path,
      matched,
      state: {},
    } as unknown as Context
  }

  async function send(
    { analytics, dataDir }: ReturnType<typeof start>,
    times: number,
    request: (number: number) => Context,
  ): Promise<{ heap: number; files: number; bytes: number }> {
    const next = () => Promise.resolve()
    await analytics(request(-1), next)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let number = 1; number < times; number++) await analytics(request(number), next)
    collect()
    const heap = process.memoryUsage().heapUsed - before
    const files = readdirSync(join(dataDir, 'counters'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).size)
    return { heap, files: files.length, bytes: files.reduce((sum, size) => sum + size, 0) }
  }

  test('with keys that nobody let in make two rows', async () => {
    const started = start()
    const used = await send(started, GUESSES, (number) =>
      contextOf(`guess-${number}`, '/things', number % 2 ? 401 : 404, number % 2 ? layers : undefined),
    )
    expect(used.heap).toBeLessThan(20 * MEGABYTE)
    expect(used.files).toBe(2)
    await started.analytics.close()
    const { storedRequests, rows } = await readUsage(started.url, { by: ['key', 'endpoint', 'status'] })
    expect(storedRequests).toBe(GUESSES)
    expect(rows.map(({ key, status, requestCount }) => [key?.id, status, requestCount])).toEqual(
      [
        [OTHER_KEY.id, 404, GUESSES / 2 - 1],
        [REJECTED_KEY.id, 401, GUESSES / 2 + 1],
      ].toSorted((a, b) => Number(b[2]) - Number(a[2])),
    )
    expect(started.errors).toEqual([])
  })

  test('with keys that an app without authentication lets in stay within maxKeys', async () => {
    const started = start({ maxKeys: 2000 })
    const used = await send(started, MANY, (number) => contextOf(`key-${number}`, '/things', 200, layers))
    expect(used.heap).toBeLessThan(40 * MEGABYTE)
    expect(used.files).toBeLessThanOrEqual(4)
    expect(used.bytes).toBeLessThan(4 * MEGABYTE)
    await started.analytics.close()
    const { storedRequests, rows } = await readUsage(started.url, { by: ['key'] })
    expect(storedRequests).toBe(MANY)
    expect(rows).toHaveLength(2001)
    expect(rows[0]).toMatchObject({ key: { id: OTHER_KEY.id }, requestCount: MANY - 2000 })
    expect(started.errors).toEqual([])
  })

  test('to different raw paths stay within maxEndpointsPerKey', async () => {
    const started = start({ endpoint: 'path' })
    const padding = 'x'.repeat(300)
    const used = await send(started, MANY, (number) =>
      contextOf('one key', `/${number}/${padding}`, number % 4 ? 200 : 401, layers),
    )
    expect(used.heap).toBeLessThan(40 * MEGABYTE)
    expect(used.files).toBeLessThanOrEqual(4)
    expect(used.bytes).toBeLessThan(4 * MEGABYTE)
    await started.analytics.close()
    const { storedRequests, rows } = await readUsage(started.url, { by: ['key', 'endpoint'] })
    expect(storedRequests).toBe(MANY)
    expect(rows).toHaveLength(1001)
    expect(rows[0]).toMatchObject({ endpoint: '(other)', requestCount: MANY - 1000 })
    expect(started.errors).toEqual([])
  })
})

describe('over real sockets', () => {
  let analytics: ApiKeyAnalytics
  let url: string
  let server: Listening
  let release = () => {}
  let entered = 0
  const errors: AnalyticsError[] = []

  beforeAll(async () => {
    const started = start({ endpoint: 'path' })
    analytics = started.analytics
    url = started.url
    errors.push(...started.errors)
    const app = new Koa()
    app.silent = true
    app.use(analytics)
    const router = new Router()
    router.get('/ok', (ctx) => void (ctx.body = 'ok'))
    router.get('/large', (ctx) => void (ctx.body = Buffer.alloc(8 * MEGABYTE)))
    router.get('/wait', async (ctx) => {
      entered++
      await new Promise<void>((resolve) => {
        const others = release
        release = () => (others(), resolve())
      })
      ctx.body = 'ok'
    })
    router.get('/throw/:status', (ctx) => {
      const { status } = ctx.params
      throw Object.assign(new Error('no'), { status: JSON.parse(decodeURIComponent(status!)) as unknown })
    })
    app.use(router.routes())
    server = await listen(createServer({ maxHeaderSize: 64 * 1024 }, app.callback()))
  })

  afterAll(async () => {
    await server.close()
    await analytics.close()
  })

  function open(): Socket {
    return connect(server.port, '127.0.0.1').on('error', () => {})
  }

  /** Sends bytes as they are and gives the status of the answer. */
  async function sendRaw(path: string, headers: Buffer | string): Promise<number> {
    const socket = open()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`)
    socket.write(headers)
    socket.write('\r\n\r\n')
    return Number(/^HTTP\/1\.1 (\d+)/.exec(await text(socket))?.[1])
  }

  async function countedBy(run: () => Promise<unknown>): Promise<number> {
    const before = analytics.stats().counted
    await run()
    return analytics.stats().counted - before
  }

  test.each<[string, Buffer | string, number, number]>([
    ['a key of 16 kB', `X-Api-Key: ${'k'.repeat(16_384)}`, 200, 1],
    ['a key that is not UTF-8', Buffer.from('X-Api-Key: \xff\xfe\x80\xc0', 'latin1'), 200, 1],
    ['a key that is __proto__', 'X-Api-Key: __proto__', 200, 1],
    ['a key that is constructor', 'Authorization: Api-Key constructor', 200, 1],
    ['a key that is a reserved id', `X-Api-Key: ${OTHER_KEY.id}`, 200, 1],
    ['a key that is a reserved label', `X-Api-Key: ${REJECTED_KEY.label}`, 200, 1],
    [
      'many keys',
      'X-Api-Key: a\r\nX-Api-Key: b\r\nAuthorization: Api-Key c\r\nAuthorization: Api-Key d',
      200,
      1,
    ],
    ['a header named __proto__', '__proto__: x\r\nX-Api-Key: a', 200, 1],
    ['a key with NUL', 'X-Api-Key: a\0b', 400, 0],
    ['a key with a lone line end', 'X-Api-Key: a\rX-Injected: b', 400, 0],
    ['an injected header after the key', 'X-Api-Key: a\r\nX-Injected: b', 200, 1],
  ])('%s is answered and counted as what it is', async (_name, headers, status, counted) => {
    expect(await countedBy(async () => expect(await sendRaw('/ok', headers)).toBe(status))).toBe(counted)
  })

  test('a reserved id as a secret is a key like any other', async () => {
    await analytics.flush()
    const { rows } = await readUsage(url, { by: ['key'], keyIds: [OTHER_KEY.id, REJECTED_KEY.id] })
    expect(rows).toEqual([])
  })

  test.each(['1e9', '-1', '0', '99', '600', '1e308', '"404"', '{}', 'null', '404.5', '[404]'])(
    'a thrown error with status %s is counted as what the client got',
    async (status) => {
      const counted = await countedBy(async () => {
        expect(await sendRaw(`/throw/${encodeURIComponent(status)}`, 'X-Api-Key: thrower')).toBe(500)
      })
      expect(counted).toBe(1)
    },
  )

  test('clients that go away while they wait are counted, once each', async () => {
    const counted = await countedBy(async () => {
      entered = 0
      const sockets = Array.from({ length: 50 }, () => {
        const socket = open()
        socket.write('GET /wait HTTP/1.1\r\nHost: x\r\nX-Api-Key: impatient\r\n\r\n')
        return socket
      })
      await until(() => entered === 50)
      const before = analytics.stats().counted
      for (const socket of sockets) socket.destroy()
      release()
      await until(() => analytics.stats().counted === before + 50)
    })
    expect(counted).toBe(50)
  })

  test('a client that sends its request byte by byte is counted when it is done, and not before', async () => {
    const socket = open()
    const request = 'GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Api-Key: slow\r\n\r\n'
    const answer = text(socket)
    const sent = await countedBy(async () => {
      for (const byte of request.slice(0, -1))
        await new Promise((resolve) => void socket.write(byte, resolve))
    })
    expect(sent).toBe(0)
    const done = await countedBy(async () => {
      socket.write(request.slice(-1))
      expect(await answer).toContain('200 OK')
    })
    expect(done).toBe(1)
  })

  test('a client that does not read its answer is counted, and holds nobody else up', async () => {
    const socket = open().pause()
    const counted = await countedBy(async () => {
      const before = analytics.stats().counted
      socket.write('GET /large HTTP/1.1\r\nHost: x\r\nX-Api-Key: lazy\r\n\r\n')
      await until(() => analytics.stats().counted === before + 1)
      expect(await sendRaw('/ok', 'X-Api-Key: other')).toBe(200)
    })
    socket.destroy()
    expect(counted).toBe(2)
  })

  test('all of it is in the database, exactly', async () => {
    await analytics.flush()
    const { counted } = analytics.stats()
    expect(counted).toBeGreaterThan(70)
    expect((await readUsage(url, {})).storedRequests).toBe(counted)
    expect(errors).toEqual([])
  })
})

describe('what an app hands on unchecked', () => {
  const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202eevil\u2066\r\n\u2028\u0000\ud800'
  const HOSTILE = [
    `'; drop table api_key_analytics; --`,
    `" or 1=1 --`,
    '=HYPERLINK("http://evil","x")',
    '+1+cmd|calc',
    '@SUM(A1)',
    '<script>alert(1)</script><img src=x onerror=alert(1)>',
    '](javascript:alert(1)) | a | b |',
    '__proto__',
    'constructor',
    'toString',
    OTHER_KEY.id,
    REJECTED_KEY.id.toUpperCase(),
    '(other)',
    '0B7F9D1C-8C5E-4F0E-9A51-6F1F3F3F9A10',
    '0b7f9d1c-8c5e-4f0e-9a51-6f1f3f3f9a1',
    ESCAPES,
    '😀'.repeat(5000),
  ]

  test('as id, name, owner, endpoint or method is counted exactly and stored clean', async () => {
    const { analytics, url, errors } = start({ endpoint: (ctx) => ctx.path })
    for (const id of HOSTILE) {
      const state = { apiKey: { id, name: id, owner: id, __proto__: { id: 'inherited' } } }
      const req = { headers: {}, method: id }
      const ctx = { req, res: { statusCode: 200 }, originalUrl: '/', path: id, state }
      await analytics(ctx as unknown as Context, () => Promise.resolve())
    }
    await analytics.close()
    const { storedRequests, rows } = await readUsage(url, { by: ['key', 'method', 'endpoint'] })
    expect(storedRequests).toBe(HOSTILE.length)
    // Three are reserved and share a key, but not an endpoint.
    expect(rows).toHaveLength(HOSTILE.length)
    expect(rows.filter(({ key }) => key?.id === OTHER_KEY.id)).toHaveLength(3)
    expect(rows.every(({ method }) => method === '_OTHER')).toBe(true)
    for (const { key, endpoint } of rows) {
      for (const text of [key!.label, key!.name ?? '', key!.owner ?? '', endpoint!]) {
        expect(text).not.toMatch(/[\p{Cc}\p{Cs}]/u)
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(800)
      }
    }
    expect(errors.map(({ code }) => code)).toEqual(Array.from(errors, () => 'IDENTIFY_FAILED'))
    expect(errors.length).toBeGreaterThan(0)
  })

  describe('cannot move the cursor, break a table or become markup or a formula', () => {
    const dataDir = makeFolder()
    const period = ['--since', '2026-11-01', '--until', '2026-11-02']
    const security = ['security', '--threshold', 'scanEndpoints=1', ...period]

    beforeAll(async () => {
      // Written past the middleware, as another program could, so nothing has cleaned them.
      const names = HOSTILE.map((name) =>
        // three times what the middleware lets by; a table of much longer names takes seconds
        name.slice(0, 600).replaceAll(/[\0\ud800-\udbff](?![\udc00-\udfff])/g, ''),
      )
      const rows = names.map((name, index) => ({
        key: testKey(index, name.slice(0, 200), { name: `${name} name`, owner: `${name} owner` }),
        endpoint: name.slice(0, 100),
        bucket: '2026-11-01T00:00Z',
        status: 404,
        requests: 100,
      }))
      await storeUsage(`sqlite:${dataDir}/usage.db`, rows)
    })

    async function run(...command: string[]): Promise<string> {
      const { code, stdout, stderr } = await runCli([...command, '--data-dir', dataDir])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('HYPERLINK')
      return stdout
    }

    test.each([
      ['report', '--limit', '0', ...period],
      ['report', '--by', 'owner', '--limit', '0', ...period],
      ['report', '--json', '--limit', '0', ...period],
      ['keys', 'list'],
      security,
      [...security, '--json'],
    ])('of a terminal: %s %s %s', async (...command) => {
      expect(await run(...command)).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\n)\p{Cc}/u)
    })

    test.each([['report', '--limit', '0', ...period], security])('of Markdown: %s', async (...command) => {
      const markdown = await run(...command, '--format', 'markdown')
      expect(markdown).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\n)\p{Cc}/u)
      expect(markdown).not.toMatch(/(?<!\\)<|(?<!\\)\]\(javascript|(?<!\\)\| a/)
    })

    test('of a spreadsheet', async () => {
      const csv = await run('report', '--by', 'key,endpoint', '--format', 'csv', ...period)
      expect(csv).toContain("'=HYPERLINK")
      expect(csv).not.toMatch(/(^|,)"?[=+@\t\r]/m)
    })
  })

  test.each([
    ['an own __proto__', JSON.parse('{"__proto__": {"endpoint": "path"}}') as object],
    ['constructor', JSON.parse('{"constructor": {"prototype": {"polluted": 1}}}') as object],
  ])('as options with %s is refused and changes no prototype', (_name, options) => {
    expect(() => startAnalytics(options, () => HOUR)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }) as AnalyticsError,
    )
    expect(Object.keys(Object.prototype)).toEqual([])
    expect('polluted' in {}).toBe(false)
  })

  test('as an inherited option has no effect', () => {
    const { analytics } = start(Object.create({ endpoint: 'nonsense', maxKeys: -1 }) as AnalyticsOptions)
    expect(analytics.stats().counted).toBe(0)
  })
})
