import type { Context } from 'koa'
import type { RequestMark } from '../request-mark.ts'
import { chooseRoute, matchesPath, type Layer, type RoutedContext } from './router.ts'
import { readRawPath } from './sanitise-path.ts'

/** Whether the request entered an app by koa-mount: its prefix is then part of the request's own path. */
export function isMounted(ctx: Context): boolean {
  return (ctx as Context & RoutedContext).mountPath !== undefined
}

/** The route that answered; where a middleware of its router did, the route that would have run next. */
export function findRoute(ctx: Context, mark: RequestMark, method: string): Layer | undefined {
  const { layer, answered } = mark
  if (layer === undefined) return guessRoute(ctx, method)
  if (answered && !mark.hasThrown && !isResponseChanged(ctx, mark)) return answered
  if (layer.methods.length > 0) return layer
  const { matched = [] } = ctx as Context & RoutedContext
  return chooseRoute(matched, matched.lastIndexOf(layer) + 1, serving(method)) ?? mark.route
}

/** For the first request of an app whose router runs before this package: its layers were not observed yet. */
function guessRoute(ctx: Context, method: string): Layer | undefined {
  const serves = serving(method)
  const { routerPath } = ctx as Context & RoutedContext
  const matched = readMatched(ctx)
  return (
    matched.find((layer) => layer.path === routerPath && serves(layer)) ?? chooseRoute(matched, 0, serves)
  )
}

function readMatched(ctx: Context): readonly Layer[] {
  const { matched } = ctx as Context & RoutedContext
  return Array.isArray(matched) ? matched : []
}

const serving =
  (method: string) =>
  ({ methods }: Layer): boolean =>
    methods.includes(method)

function isResponseChanged(ctx: Context, { body, status }: RequestMark): boolean {
  return ctx.response.body !== body || (ctx.res as Context['res'] | undefined)?.statusCode !== status
}

/** The pattern of the route that `findRoute` found, with the prefixes of koa-mount. */
export function readPattern(ctx: Context, mark: RequestMark, route: Layer): string {
  if (!isMounted(ctx)) return joinPattern('', route.path)
  const prefix =
    mark.layer === undefined
      ? searchMountPrefix(ctx, (rest) => matchesPath(route, rest))
      : findMountPrefix(ctx, readNotedPath(mark, route))
  return joinPattern(prefix, route.path)
}

/** A route that a middleware of its router kept from running would have seen the path that the middleware saw. */
function readNotedPath(mark: RequestMark, route: Layer): string | undefined {
  if (route === mark.answered) return mark.answeredPath
  return route === mark.route ? mark.routePath : mark.layerPath
}

/** The pattern of a route that matches the path and takes another method (405, OPTIONS). */
export function readNearPattern(ctx: Context, { near, nearPath }: RequestMark): string | undefined {
  return near && joinPattern(findMountPrefix(ctx, nearPath), near.path)
}

/** A pattern below a prefix. */
export function joinPattern(prefix: string, path: Layer['path']): string {
  const pattern = String(path)
  return pattern === '/' || pattern === '' ? prefix || '/' : prefix + pattern
}

/**
 * The prefix that koa-mount had cut from the path when its app saw `inner`. By now the path is whole again, except
 * inside the mounted app: there the path as requested has the prefix. A rewritten path is only in `ctx.path`.
 * @param inner nothing where no app was mounted
 */
export function findMountPrefix(ctx: Context, inner: string | undefined): string {
  if (inner === undefined) return ''
  const mountPath = readMountPath(ctx)
  const prefixes = listPaths(ctx).flatMap((path) => {
    if (path.endsWith(inner)) return [path.slice(0, -inner.length)]
    return inner === '/' ? [path] : []
  })
  return prefixes.find((prefix) => prefix.endsWith(mountPath)) ?? prefixes[0] ?? ''
}

/** The same for a path that no route saw: the rest after the prefix must match. */
export function searchMountPrefix(ctx: Context, fits: (rest: string) => boolean): string {
  const mountPath = readMountPath(ctx)
  for (const path of listPaths(ctx)) {
    const prefix = listPrefixes(path).find(
      (prefix) => prefix.endsWith(mountPath) && fits(path.slice(prefix.length) || '/'),
    )
    if (prefix !== undefined) return prefix
  }
  return ''
}

const listPaths = (ctx: Context): string[] => [readRawPath(ctx.originalUrl), ctx.path]

const readMountPath = (ctx: Context): string =>
  String((ctx as Context & RoutedContext).mountPath).replace(/\/$/, '')

/** `/a/b` has the prefixes ``, `/a` and `/a/b`. */
function listPrefixes(path: string): string[] {
  const prefixes: string[] = []
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1))
    prefixes.push(path.slice(0, end))
  return [...prefixes, path]
}
