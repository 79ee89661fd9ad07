import type { Context } from 'koa'
import type { ExpectedRouter } from '../../options/options.ts'
import { joinPattern } from './find-route.ts'
import { chooseRoute, matchesPath, type Layer, type RoutedContext, type Router } from './router.ts'
import { readRawPath } from './sanitise-path.ts'

/** Finds the pattern of a request that was answered before its router ran. */
export interface ExpectRoute {
  /** Of the route that would have run. */
  readonly serving: (ctx: Context, method: string) => string | undefined
  /** Of a route that takes the path, but not the method. */
  readonly otherMethod: (ctx: Context) => string | undefined
}

type Serves = (layer: Layer) => boolean

/** Makes an `ExpectRoute` for the option `routes`. Routes that a router gets later count too. */
export function createExpectRoute(routers: readonly ExpectedRouter[]): ExpectRoute {
  function find(ctx: Context, serves: Serves): string | undefined {
    if (routers.length === 0) return undefined
    const path = readWholePath(ctx)
    for (const { prefix, router } of routers) {
      const rest = cutPrefix(path, prefix)
      if (rest === undefined || !takesHost(ctx, router)) continue
      const route = chooseExpected(router, rest, serves)
      if (route) return joinPattern(prefix, route.path)
    }
    return undefined
  }

  return {
    serving: (ctx, method) => find(ctx, ({ methods }) => methods.includes(method)),
    otherMethod: (ctx) => find(ctx, ({ methods }) => methods.length > 0),
  }
}

/** With the prefixes of koa-mount, also inside the mounted app. */
function readWholePath(ctx: Context): string {
  const { mountPath } = ctx as Context & RoutedContext
  return mountPath === undefined ? ctx.path : readRawPath(ctx.originalUrl)
}

/** The rest of a path after koa-mount removed its prefix. */
function cutPrefix(path: string, prefix: string): string | undefined {
  if (!path.startsWith(prefix)) return undefined
  const rest = path.slice(prefix.length) || '/'
  return rest.startsWith('/') ? rest : undefined
}

function takesHost(ctx: Context, router: Router): boolean {
  return typeof router.matchHost !== 'function' || router.matchHost(ctx.host)
}

function chooseExpected(router: Router, path: string, serves: Serves): Layer | undefined {
  const matched = router.stack.filter((layer) => serves(layer) && matchesPath(layer, path))
  if (!router.exclusive) return chooseRoute(matched, 0, () => true)
  if (router.opts?.exclusive !== 'specificity') return matched.at(-1)
  return matched.toSorted((a, b) => countParameters(a) - countParameters(b))[0]
}

const countParameters = ({ paramNames }: Layer): number => paramNames.length
