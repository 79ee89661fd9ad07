/** The readers of the kinds of options. All throw OPTION_INVALID with what was found and what is expected. */
import { inspect } from 'node:util'
import { cleanName } from '../model/clean-text.ts'
import { describeType } from '../model/describe-value.ts'
import type { Layer, Router } from '../capture/endpoint/router.ts'
import { AnalyticsError } from '../model/errors.ts'
import type { AnalyticsOptions, ExpectedRouter, ResolvedOptions } from './options.ts'
import type { BucketMinutes } from '../model/batch.ts'
import { isUnitName, MOST_UNITS, REQUESTS_UNIT } from '../model/unit.ts'

const BUCKET_MINUTES = { minute: 1, hour: 60, day: 1440 } as const
/** Characters of a header name or an authentication scheme (RFC 9110). */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

export function readTextOption(
  given: AnalyticsOptions,
  name: 'database' | 'dataDir' | 'pepper',
): string | undefined {
  const value: unknown = given[name]
  if (value === undefined || (typeof value === 'string' && value.trim() !== '')) return value
  // Only the type is named: the value may be a secret.
  const found = typeof value === 'string' ? 'empty' : describeType(value)
  throw new AnalyticsError('OPTION_INVALID', `Option "${name}" is ${found}, expected a text or nothing.`)
}

export function readFunction<Name extends 'identify' | 'onError'>(
  given: AnalyticsOptions,
  name: Name,
): AnalyticsOptions[Name] {
  const value = given[name]
  return value === undefined || typeof value === 'function' ? value : refuseOption(name, value, 'a function')
}

export function readSwitch(
  given: AnalyticsOptions,
  name: 'enabled' | 'rateLimitHeaders' | 'deprecationHeaders',
): boolean | undefined {
  const value: unknown = given[name]
  return value === undefined || typeof value === 'boolean'
    ? value
    : refuseOption(name, value, 'true or false')
}

export function readToken(given: AnalyticsOptions, name: 'keyword' | 'header'): string | undefined {
  const value: unknown = given[name]
  if (value === undefined || (typeof value === 'string' && TOKEN.test(value))) return value
  return refuseOption(name, value, 'one word as it appears in a header')
}

export function readEndpointOption(given: AnalyticsOptions): ResolvedOptions['endpoint'] {
  const { endpoint = 'route' } = given
  if (endpoint === 'route' || endpoint === 'path' || typeof endpoint === 'function') return endpoint
  return refuseOption('endpoint', endpoint, "'route', 'path' or a function")
}

export function readRoutesOption(given: AnalyticsOptions): ResolvedOptions['routes'] {
  const routes: unknown = given.routes ?? []
  if (Array.isArray(routes)) return routes.map(readRouter)
  return refuseOption('routes', routes, 'a list of routers of @koa/router')
}

export function readRelease(given: AnalyticsOptions): string | undefined {
  const release: unknown = given.release
  if (release === undefined) return undefined
  const name = typeof release === 'string' ? cleanName(release) : ''
  return name || refuseOption('release', release, "a name such as '2.3.1'")
}

/** A router, an object that has it as `router` (its `routes()`, a koa-joi-router), or `{ prefix, router }`. */
function readRouter(entry: unknown, index: number): ExpectedRouter {
  const name = `routes[${index}]` as const
  if (isRouter(entry)) return { prefix: '', router: entry }
  const { prefix, router } = readMounted(entry)
  const found = isRouter(router) ? router : readMounted(router).router
  if (!isRouter(found))
    return refuseOption(name, entry, 'a router of @koa/router or koa-router, or { prefix, router }')
  // a koa-joi-router has a method of that name
  if (prefix === undefined || typeof prefix === 'function') return { prefix: '', router: found }
  if (typeof prefix !== 'string' || !/^\/[^?#]*$/.test(prefix)) {
    return refuseOption(`${name}.prefix`, prefix, "a path such as '/api'")
  }
  return { prefix: prefix.replace(/\/$/, ''), router: found }
}

const readMounted = (given: unknown): { readonly prefix?: unknown; readonly router?: unknown } =>
  isObject(given) ? given : {}

/** Checking `stack` alone would accept the router of Express, which has other layers. */
function isRouter(given: unknown): given is Router {
  const { stack, match }: { stack?: unknown; match?: unknown } = isObject(given) ? given : {}
  return Array.isArray(stack) && typeof match === 'function' && stack.every(isLayer)
}

const isLayer = (layer: Partial<Layer> | undefined): boolean =>
  Array.isArray(layer?.methods) && Array.isArray(layer.stack)

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

export function readIgnore(given: AnalyticsOptions): ResolvedOptions['ignore'] {
  const ignore: unknown = given.ignore ?? []
  const isRule = (rule: unknown) =>
    rule instanceof RegExp || (typeof rule === 'string' && rule.startsWith('/'))
  if (Array.isArray(ignore) && ignore.every(isRule)) return [...ignore]
  return refuseOption('ignore', ignore, "a list of paths such as '/health' and of RegExps")
}

export function readUnits(given: AnalyticsOptions): readonly string[] {
  const units: unknown = given.units ?? []
  if (!Array.isArray(units)) return refuseOption('units', units, "a list of names such as ['tokens', 'rows']")
  const wrong: unknown = units.find((unit) => !isUnitName(unit))
  if (wrong === REQUESTS_UNIT) return refuseOption('units', wrong, 'other names: requests are always counted')
  if (wrong !== undefined || units.includes(undefined)) {
    return refuseOption('units', wrong, "names of a-z, 0-9 and _ that begin with a letter, such as 'tokens'")
  }
  const twice: unknown = units.find((unit, index) => units.indexOf(unit) < index)
  if (twice !== undefined) return refuseOption('units', twice, 'each name once')
  if (units.length <= MOST_UNITS) return [...units] as string[]
  return refuseOption('units', units.length, `${MOST_UNITS} names at most`)
}

export function readBucketMinutes(given: AnalyticsOptions): BucketMinutes {
  const { bucket = 'hour' } = given
  return typeof bucket === 'string' && Object.hasOwn(BUCKET_MINUTES, bucket)
    ? BUCKET_MINUTES[bucket]
    : refuseOption('bucket', bucket, "'minute', 'hour' or 'day'")
}

export function readNumber(
  given: AnalyticsOptions,
  name: 'flushIntervalMs' | 'maxEndpointsPerKey' | 'maxEndpointLength' | 'maxKeys',
  least: number,
  most: number,
): number | undefined {
  const value: unknown = given[name]
  if (value === undefined) return undefined
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value)
  return refuseOption(name, value, `a whole number from ${least} to ${most}`)
}

function refuseOption(
  name: keyof AnalyticsOptions | `routes[${number}]${string}`,
  found: unknown,
  expected: string,
): never {
  throw new AnalyticsError('OPTION_INVALID', `Option "${name}" is ${showValue(found)}, expected ${expected}.`)
}

export function showValue(value: unknown): string {
  return inspect(value, { depth: 0, maxStringLength: 60, breakLength: Infinity })
}
