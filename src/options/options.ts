import type { Context } from 'koa'
import type { Router } from '../capture/endpoint/router.ts'
import type { BucketMinutes } from '../model/batch.ts'
import type { AnalyticsError } from '../model/errors.ts'
import type { ApiKey } from '../model/key.ts'

/** Options of `apiKeyAnalytics()`; all may be left out. A wrong one throws at construction. */
export interface AnalyticsOptions {
  /**
   * URL of the database: `sqlite:<path>` or `postgres://user:password@host:5432/name`; `:memory:` for tests, which
   * read it with `analytics.usage()`.
   * Default: the environment variable `DATABASE_URL`, else `sqlite:<dataDir>/usage.db`.
   */
  readonly database?: string | undefined
  /**
   * Folder of the counter files and the embedded database.
   * Default: the environment variable `APIKEY_ANALYTICS_DIR`, else `.apikey-analytics` in the working directory.
   */
  readonly dataDir?: string | undefined
  /**
   * Finds the key of a request, after the handlers have finished. Called when `setApiKey` was not called, and instead
   * of reading `ctx.state.apiKey` and the headers. A key that it returns is taken as real. The response waits for a
   * promise. Default: `ctx.state.apiKey`, else the headers.
   */
  readonly identify?: Identify | undefined
  /** Keyword of the `Authorization` header before the key, in any case. Default: `Api-Key`. */
  readonly keyword?: string | undefined
  /** Header with the key alone. Default: `x-api-key`. */
  readonly header?: string | undefined
  /**
   * What an endpoint is: `route` (the pattern of the matched route), `path` (the path as requested, sanitised), or a
   * function; when it returns nothing, the endpoint is `(unmatched)`. Default: `route`.
   */
  readonly endpoint?: 'route' | 'path' | FindEndpoint | undefined
  /**
   * The routers of the app (`@koa/router`, `koa-router`). With them a request gets its pattern also when it was
   * answered before its router ran, by authentication or a rate limit. `{ prefix, router }` for a router in an app
   * under koa-mount. Default: none.
   */
  readonly routes?: readonly (KnownRouter | MountedRouter)[] | undefined
  /**
   * Name of the release of the app, at most 200 characters, such as a version or a commit: `routes list` shows which
   * release had a route first and last. Default: `version` of the package.json in the working directory, else none.
   */
  readonly release?: string | undefined
  /**
   * Paths that are not counted. `/health` stands for `/health` and all below it, `/admin/` for all below it; a RegExp
   * is tested on the path. Default: none.
   */
  readonly ignore?: readonly (string | RegExp)[] | undefined
  /**
   * What is billed besides requests: up to 16 units such as `['tokens', 'rows']`, whose quantities `setUsage`,
   * `addUsage` and `ctx.state.usage` give. Names of a-z, 0-9 and `_`, 32 characters at most. Default: none.
   */
  readonly units?: readonly string[] | undefined
  /** Width of a bucket of time, in UTC. Default: `hour`. */
  readonly bucket?: 'minute' | 'hour' | 'day' | undefined
  /**
   * Milliseconds between two flushes, 100 to 3 600 000; at least one millisecond per row of the flush before, up to a
   * minute. Default: 5000.
   */
  readonly flushIntervalMs?: number | undefined
  /** Different endpoints per key, process and bucket, 1 to 1 000 000; past it `(other)`. Default: 1000. */
  readonly maxEndpointsPerKey?: number | undefined
  /** Bytes (UTF-8) of an endpoint, 16 to 500; a longer one is cut and gets a hash. Default: 500. */
  readonly maxEndpointLength?: number | undefined
  /** Different keys per process and bucket, 1 to 1 000 000; past it `(other)`. Default: 10 000. */
  readonly maxKeys?: number | undefined
  /**
   * Secret for the fingerprints of keys (HMAC-SHA256). Use the same one in every process with this database.
   * Default: the environment variable `APIKEY_ANALYTICS_PEPPER`, else none.
   */
  readonly pepper?: string | undefined
  /**
   * True tells clients their quotas in the headers `RateLimit-Policy` and `RateLimit`
   * (draft-ietf-httpapi-ratelimit-headers-10). Default: false.
   */
  readonly rateLimitHeaders?: boolean | undefined
  /**
   * True tells clients of deprecated routes in the headers `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link`.
   * Default: false.
   */
  readonly deprecationHeaders?: boolean | undefined
  /** Receives errors that happen outside requests. Default: one `process.emitWarning` per error code. */
  readonly onError?: ((error: AnalyticsError) => void) | undefined
  /** False counts nothing, for tests: no file, no database, no timer; requests pass through. Default: true. */
  readonly enabled?: boolean | undefined
}

/** A router of any version of `@koa/router` or `koa-router`, its `routes()`, or a router of koa-joi-router. */
export type KnownRouter = { readonly stack: readonly object[] } | { readonly router?: object | undefined }

/** A router that is reached below a prefix, such as that of koa-mount. */
export interface MountedRouter {
  /** Such as `/api`. */
  readonly prefix: string
  readonly router: KnownRouter
}

/** Finds the key of a request: returns the secret, `{ id, name?, owner? }`, or nothing. */
export type Identify = (
  ctx: Context,
) => ApiKey | null | undefined | void | Promise<ApiKey | null | undefined | void>

/** Returns the endpoint of a request; nothing means `(unmatched)`. */
export type FindEndpoint = (ctx: Context) => string | null | undefined

/** A router of the option `routes`. */
export interface ExpectedRouter {
  /** Empty, or such as `/api`. */
  readonly prefix: string
  readonly router: Router
}

/** Options with every default in place. */
export interface ResolvedOptions {
  /** URL, or `:memory:`; may hold a password. */
  readonly database: string
  /** Absolute. */
  readonly dataDir: string
  readonly identify: Identify | undefined
  readonly keyword: string
  /** Lower case. */
  readonly header: string
  readonly endpoint: 'route' | 'path' | FindEndpoint
  readonly routes: readonly ExpectedRouter[]
  /** Null when unknown. */
  readonly release: string | null
  readonly ignore: readonly (string | RegExp)[]
  readonly units: readonly string[]
  readonly bucketMinutes: BucketMinutes
  /** False: counter files are written instead of mapped, as on network file systems. */
  readonly mapCounters: boolean
  readonly flushIntervalMs: number
  readonly maxEndpointsPerKey: number
  /** Bytes. */
  readonly maxEndpointLength: number
  readonly maxKeys: number
  readonly pepper: string | undefined
  readonly rateLimitHeaders: boolean
  readonly deprecationHeaders: boolean
  /** Never throws. */
  readonly onError: (error: AnalyticsError) => void
  readonly enabled: boolean
}
