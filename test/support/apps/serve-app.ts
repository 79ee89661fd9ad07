import { createRequire } from 'node:module'
import Koa from 'koa'
import { KnownKeys } from '../../../src/capture/key/known-keys.ts'
import type { AnalyticsError } from '../../../src/model/errors.ts'
import { resolveOptions } from '../../../src/options/resolve-options.ts'
import type { AnalyticsOptions } from '../../../src/options/options.ts'
import type { KeyIdentity } from '../../../src/model/key.ts'
import { listen } from './listen.ts'
import { makeMiddleware } from './make-middleware.ts'
import { PATIENCE_MS } from '../patience.ts'

const require = createRequire(import.meta.url)

/** Both versions of Koa that are supported; `koa2` and `koa-mount` bring no types. */
export const KOA_VERSIONS = [
  ['Koa 3', Koa],
  ['Koa 2', require('koa2') as typeof Koa],
] as const
export const mount = require('koa-mount') as (prefix: string, app: Koa | Koa.Middleware) => Koa.Middleware

/** One call of the counter. */
export interface Counted {
  readonly key: KeyIdentity
  readonly method: string
  readonly endpoint: string
  readonly status: number
  readonly durationUs: number | undefined
}

export interface ServedApp extends AsyncDisposable {
  readonly url: string
  readonly counted: Counted[]
  readonly errors: AnalyticsError[]
  readonly knownKeys: KnownKeys
  /** The middleware, to mount it once more. */
  readonly analytics: Koa.Middleware
}

/** Serves a Koa app on a free loopback port, the middleware first and counting into a list. */
export async function serveApp(
  build: (app: Koa, analytics: Koa.Middleware) => void,
  options: AnalyticsOptions = {},
  App: typeof Koa = Koa,
): Promise<ServedApp> {
  const counted: Counted[] = []
  const errors: AnalyticsError[] = []
  const knownKeys = new KnownKeys(100)
  const analytics = makeMiddleware({
    options: resolveOptions(options, {}),
    counter: {
      count: ({ identity: key }, { method, endpoint }, status, durationUs) => {
        counted.push({ key, method, endpoint, status, durationUs })
      },
      addQuantity() {},
    },
    knownKeys,
    report: (error) => errors.push(error),
  })
  const app = new App()
  app.silent = true
  app.use(analytics)
  build(app, analytics)
  const { url, close } = await listen(app.callback())
  return {
    url,
    counted,
    errors,
    knownKeys,
    analytics,
    [Symbol.asyncDispose]: close,
  }
}

/** Waits, in turns of the event loop until something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`Still not so after two minutes: ${isSo.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
