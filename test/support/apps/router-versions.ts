import { createRequire } from 'node:module'
import type { Router } from '@koa/router'

const require = createRequire(import.meta.url)

/** One major version of the router. */
export interface RouterVersion {
  readonly Router: typeof Router
  /** Pattern of all paths below `/`, which was written in another way up to version 13. */
  readonly everything: string
  /** Up to version 11 `ctx.routerPath` went before `ctx.path`, though versions 9 to 11 put a pattern into it. */
  readonly readsRouterPath: boolean
  /** Version 7 changes a nested router instead of a copy. */
  readonly copiesNested: boolean
}

function load(name: string, version: number): RouterVersion {
  const loaded = require(name) as typeof Router & { Router?: typeof Router }
  const everything = version < 14 ? '/(.*)' : '/{*any}'
  return {
    Router: loaded.Router ?? loaded,
    everything,
    readsRouterPath: version < 12,
    copiesNested: version > 7,
  }
}

/**
 * Every major version in use. `koa-router` 8 to 14 has the same files as `@koa/router` of the same version, so only its
 * version 7 is here.
 */
export const ROUTER_VERSIONS: Readonly<Record<string, RouterVersion>> = {
  'koa-router 7': load('koa-router7', 7),
  '@koa/router 8': load('@koa/router8', 8),
  '@koa/router 9': load('@koa/router9', 9),
  '@koa/router 10': load('@koa/router10', 10),
  '@koa/router 11': load('@koa/router11', 11),
  '@koa/router 12': load('@koa/router12', 12),
  '@koa/router 13': load('@koa/router13', 13),
  '@koa/router 14': load('@koa/router14', 14),
  '@koa/router 15': load('@koa/router', 15),
}
