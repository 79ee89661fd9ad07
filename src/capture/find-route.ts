import type { Context } from 'koa'
import { readRawPath } from './sanitise-path.ts'

/** What we read of a layer of @koa/router, and of koa-router before it. */
export interface Layer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
  readonly regexp: RegExp
  captures(path: string): string[]
}

interface RoutedContext {
  /** Every layer that matched the path, over all routers of the request. */
  readonly matched?: readonly Layer[]
  /** Path of the layer that ran last, `router.use()` included: alone it is not the route. */
  readonly _matchedRoute?: string | RegExp
  readonly captures?: readonly string[]
  /** Prefix of the koa-mount that the request entered last. */
  readonly mountPath?: string
}

/** Whether the request entered an app by koa-mount: its prefix is then part of the request's own path. */
export function isMounted(ctx: Context): boolean {
  return (ctx as Context & RoutedContext).mountPath !== undefined
}

/** The route that answered, or that would have. */
export function findRoute(ctx: Context, method: string): Layer | undefined {
  const { matched, _matchedRoute } = ctx as Context & RoutedContext
  if (!Array.isArray(matched)) return undefined
  const layers: readonly Layer[] = matched
  return chooseLayer(layers, findLastRun(layers, _matchedRoute), method)
}

/** The pattern of a request's route, with the prefixes of koa-mount. */
export function readPattern(ctx: Context, layer: Layer): string {
  const { matched = [], _matchedRoute, captures, mountPath } = ctx as Context & RoutedContext
  const pattern = String(layer.path)
  if (mountPath === undefined) return pattern || '/'
  const hasRun = layer === matched[findLastRun(matched, _matchedRoute)]
  const prefix = findMountPrefix(ctx, mountPath, layer, hasRun ? captures : undefined)
  return pattern === '/' ? prefix || '/' : prefix + pattern
}

function findLastRun(layers: readonly Layer[], path: string | RegExp | undefined): number {
  let index = layers.length - 1
  while (index >= 0 && layers[index]!.path !== path) index -= 1
  return index
}

/**
 * The route that ran; else the one that a middleware of its router kept from running; else any that takes the
 * method; else one that takes another method (405, OPTIONS).
 */
function chooseLayer(layers: readonly Layer[], lastRun: number, method: string): Layer | undefined {
  return (
    findServing(layers, Math.max(lastRun, 0), method) ??
    findServing(layers, 0, method) ??
    layers.find((layer) => layer.methods.length > 0)
  )
}

function findServing(layers: readonly Layer[], from: number, method: string): Layer | undefined {
  for (let index = from; index < layers.length; index += 1) {
    if (layers[index]!.methods.includes(method)) return layers[index]
  }
  return undefined
}

/**
 * koa-mount cuts its prefix from `ctx.path` and puts it back before we look, so the prefix is found again: what is
 * left after it matches the route, with the same parameters where the route ran. A prefix that ends with the last
 * mount goes first. The path as requested is tried before `ctx.path`, which lacks the prefix inside a mounted app.
 */
function findMountPrefix(
  ctx: Context,
  mountPath: string,
  layer: Layer,
  captures: readonly string[] | undefined,
): string {
  for (const path of [readRawPath(ctx.originalUrl), ctx.path]) {
    const fits = (prefix: string) => {
      const rest = path.slice(prefix.length) || '/'
      // search() leaves the lastIndex of a /g expression alone.
      return rest.search(layer.regexp) >= 0 && (!captures || sameTexts(layer.captures(rest), captures))
    }
    const prefixes = listPrefixes(path)
    const prefix =
      prefixes.find((prefix) => prefix.endsWith(mountPath) && fits(prefix)) ?? prefixes.find(fits)
    if (prefix !== undefined) return prefix
  }
  return ''
}

/** `/a/b` has the prefixes ``, `/a` and `/a/b`. */
function listPrefixes(path: string): string[] {
  const prefixes: string[] = []
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1))
    prefixes.push(path.slice(0, end))
  return [...prefixes, path]
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index])
}
