import fc from 'fast-check'
import type { Context } from 'koa'
import { describe, expect, test } from 'vitest'
import { createMark, type RequestMark } from '../../src/capture/request-mark.ts'
import { createResolveOperation } from '../../src/capture/endpoint/resolve-operation.ts'
import { readRawPath, sanitisePath, shortenEndpoint } from '../../src/capture/endpoint/sanitise-path.ts'
import { searchRuns } from '../support/search-runs.ts'

const hostilePath = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.webPath(),
    fc.string().map((text) => `/${text}\u0000\ud800é`),
  )
  .chain((path) =>
    fc.constantFrom(path, `/${path}`, `//${path}?key=secret`, `http://host${path}`, path.repeat(5)),
  )

function expectStorable(endpoint: string, maxBytes: number): void {
  expect(endpoint).not.toBe('')
  expect(endpoint.isWellFormed()).toBe(true)
  expect(endpoint).not.toMatch(/\p{Cc}/u)
  expect(Buffer.byteLength(endpoint)).toBeLessThanOrEqual(maxBytes)
}

describe('a raw path', () => {
  test.each([
    ['/users/5', '/users/5'],
    ['//users///5/', '/users/5/'],
    ['/a%20b', '/a%20b'],
    ['', '/'],
    ['*', '*'],
  ])('%j is counted as %j', (path, endpoint) => {
    expect(sanitisePath(path, 500)).toBe(endpoint)
  })

  test('that loses characters gets a hash, so it is not mistaken for another', () => {
    const endpoints = ['/caf', '/café', '/cafè', '/caf\u0000'].map((path) => sanitisePath(path, 500))
    expect(new Set(endpoints).size).toBe(4)
    expect(endpoints[1]).toMatch(/^\/caf…[0-9a-f]{12}$/)
  })

  test('that is cut gets a hash, so it is not mistaken for another', () => {
    const [a, b] = ['a', 'b'].map((end) => sanitisePath(`/${'x'.repeat(600)}${end}`, 500)) as [string, string]
    expect(a).not.toBe(b)
    expect(Buffer.byteLength(a)).toBe(500)
  })

  test('is the same endpoint as another only when they differ in repeated slashes', () => {
    const path = fc.string({ unit: fc.constantFrom('/', 'a', 'é', '\u0000', '…', '0'), maxLength: 30 })
    fc.assert(
      fc.property(path, path, fc.integer({ min: 16, max: 40 }), (a, b, maxBytes) => {
        const fold = (path: string) => path.replace(/\/+/g, '/') || '/'
        expect(sanitisePath(a, maxBytes) === sanitisePath(b, maxBytes)).toBe(fold(a) === fold(b))
      }),
      { numRuns: searchRuns(2000) },
    )
  })

  test.each([
    ['/a?key=secret', '/a'],
    ['/a#b', '/a'],
    ['http://host:80/a?x', '/a'],
    ['?x', ''],
    ['*', '*'],
  ])('is read from the request target %j', (target, path) => {
    expect(readRawPath(target)).toBe(path)
  })
})

test('an endpoint is cut between two characters', () => {
  for (let length = 16; length <= 40; length++) {
    const cut = shortenEndpoint(`/é😀€${'ü😀'.repeat(20)}`, length)
    expectStorable(cut, length)
    expect(cut).not.toContain('\ufffd')
  }
})

test('whatever a client requests, its path is an endpoint that can be stored', () => {
  const resolve = createResolveOperation({ endpoint: 'path', maxEndpointLength: 60, routes: [] }, fail)
  fc.assert(
    fc.property(hostilePath, (originalUrl) => {
      expectStorable(resolve({ originalUrl, req: {} } as Context, createMark(), 200).endpoint, 60)
    }),
    { numRuns: searchRuns(1000) },
  )
})

test('whatever routers leave on the context, the endpoint can be stored', () => {
  let reported = 0
  const resolve = createResolveOperation(
    { endpoint: 'route', maxEndpointLength: 60, routes: [] },
    () => reported++,
  )
  const layer = fc.record({
    path: fc.oneof(hostilePath, fc.constant(new RegExp(String.fromCharCode(94, 0, 0xd800)))),
    methods: fc.subarray(['GET', 'POST']),
    regexp: fc.constantFrom(/./, /^\/[^/]+$/, /x/gy, /^(?:\/(.*))?$/),
  })
  const noted = fc.option(layer, { nil: undefined })
  const marks = fc.record({
    endpoint: fc.oneof(fc.constant(undefined), fc.anything()),
    layer: noted,
    route: noted,
    answered: noted,
    body: fc.constantFrom(undefined, 'x'),
    layerPath: fc.option(hostilePath, { nil: undefined }),
    answeredPath: fc.option(hostilePath, { nil: undefined }),
    near: noted,
    hasThrown: fc.boolean(),
    nearPath: fc.option(hostilePath, { nil: undefined }),
    otherPath: fc.option(hostilePath, { nil: undefined }),
  })
  const context = fc.record({
    originalUrl: hostilePath,
    path: hostilePath,
    req: fc.record({ method: fc.constantFrom('GET', 'PUT', 'constructor') }),
    matched: fc.oneof(fc.array(layer), fc.anything(), fc.array(fc.anything(), { minLength: 1 })),
    mountPath: fc.constantFrom(undefined, '/', '/x'),
    routerPath: fc.oneof(hostilePath, fc.anything()),
    routePath: fc.oneof(fc.constant(undefined), hostilePath, fc.anything()),
    route: fc.oneof(fc.constant(undefined), fc.anything()),
    response: fc.record({ body: fc.constantFrom(undefined, 'x') }),
  })
  const statuses = fc.constantFrom(200, 404, 500)
  fc.assert(
    fc.property(context, marks, statuses, (ctx, noted, status) => {
      const mark = { ...createMark(), ...noted } as RequestMark
      const { method, endpoint } = resolve(ctx as unknown as Context, mark, status)
      expectStorable(endpoint, 60)
      expect(method).toBe(ctx.req.method === 'constructor' ? '_OTHER' : ctx.req.method)
    }),
    { numRuns: searchRuns(1000) },
  )
  expect(reported).toBeGreaterThan(0)
})

test.each([
  [() => '/own', '/own'],
  [() => undefined, '(unmatched)'],
  [() => null, '(unmatched)'],
  [() => '\u0000', '(unmatched)'],
  [() => 'a\u0000b', 'ab'],
])('what the app’s own function returns is cleaned: %s', (endpoint, counted) => {
  const resolve = createResolveOperation({ endpoint, maxEndpointLength: 60, routes: [] }, fail)
  expect(resolve({ req: {} } as Context, createMark(), 200).endpoint).toBe(counted)
})

function fail(error: Error): never {
  throw error
}
