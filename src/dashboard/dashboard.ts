import type { Context, Middleware, Next } from 'koa'
import { markRequest } from '../capture/request-mark.ts'
import { locateDatabase } from '../options/database-location.ts'
import { AnalyticsError } from '../model/errors.ts'
import { parseDatabaseUrl } from '../options/parse-database-url.ts'
import { ApiThread } from './api-thread.ts'
import { readPageFile } from '../web/read-page-file.ts'
import { sendBody } from '../web/send-body.ts'
import { sendFile } from './send-file.ts'

/** Options of `analyticsDashboard()`. */
export interface DashboardOptions {
  /**
   * Decides whether a request may see all usage: any truthy value allows it. It may answer the request itself, such as
   * with a redirect to a login, and return false. Called for every request, for the page and for its data.
   */
  readonly authorize: (ctx: Context) => unknown
  /** Path below which the dashboard answers, such as `/usage`. Default: `/usage`; an empty text is the root. */
  readonly prefix?: string | undefined
  /** As for `apiKeyAnalytics()`. */
  readonly database?: string | undefined
  /** As for `apiKeyAnalytics()`; needed to show counts that are not delivered yet. */
  readonly dataDir?: string | undefined
  /** Values of the Host header to answer, such as `api.example.com`. Default: any. */
  readonly hosts?: readonly string[] | undefined
}

/** The middleware, with its `close()`. */
export interface AnalyticsDashboard extends Middleware {
  /** Ends the thread that reads the database. It keeps no process alive, so you need not call this. */
  close(): Promise<void>
}

const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

/**
 * Makes the dashboard as a middleware for an app: a page, and its JSON API below `<prefix>/api/`. It only reads, and
 * its own requests are not counted.
 * @throws OPTION_INVALID
 */
export function analyticsDashboard(options: DashboardOptions): AnalyticsDashboard {
  const { authorize, prefix = '/usage', ...given } = requireOptions(options)
  const hosts = given.hosts?.map((host) => host.toLowerCase())
  const api = new ApiThread(locateDatabase(options))

  async function apiKeyAnalyticsDashboard(ctx: Context, next: Next): Promise<unknown> {
    if (ctx.path !== prefix && !ctx.path.startsWith(`${prefix}/`)) return next()
    markRequest(ctx.req).uncounted = true
    ctx.set(HEADERS)
    if (hosts && !hosts.includes(ctx.get('Host').toLowerCase())) {
      return sendRefusal(ctx, 403, 'WRONG_HOST', 'This address is not one of the dashboard.')
    }
    if (!(await authorize(ctx))) {
      const answered = ctx.status !== 404 || ctx.body !== undefined
      return answered
        ? undefined
        : sendRefusal(ctx, 401, 'UNAUTHORIZED', 'You may not see this. Sign in first.')
    }
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      return sendRefusal(ctx, 405, 'METHOD_NOT_ALLOWED', 'The dashboard only reads. Use GET.')
    }
    if (isFolderWithoutSlash(ctx, prefix)) return redirectToFolder(ctx)
    return sendAnswer(ctx, ctx.path.slice(prefix.length + 1), api)
  }

  return Object.assign(apiKeyAnalyticsDashboard, { close: () => api.close() })
}

/** The URLs of the page's files are relative to its folder, so its own path must end with a slash. */
function isFolderWithoutSlash({ path, originalUrl }: Context, prefix: string): boolean {
  // koa-mount turns the path that it is mounted at into `/`.
  return path === prefix || (path === `${prefix}/` && !pathOf(originalUrl).endsWith('/'))
}

/** Relative, because a proxy in front may have removed the start of the path. Only the browser knows that part. */
function redirectToFolder(ctx: Context): void {
  ctx.redirect(`./${pathOf(ctx.originalUrl).split('/').at(-1)}/${ctx.search}`)
}

function pathOf(url: string): string {
  return url.split('?')[0]!
}

/** @param path below the prefix, such as `api/report` or `page.css` */
async function sendAnswer(ctx: Context, path: string, api: ApiThread): Promise<void> {
  const [, name] = /^api\/([^/]+)$/.exec(path) ?? []
  if (name !== undefined) return answerFromApi(ctx, name, api)
  const file = await readPageFile(path || 'index.html')
  if (!file) return sendRefusal(ctx, 404, 'NOT_FOUND', 'There is no such page.')
  ctx.status = 200
  await sendBody(ctx, file.type, file.text)
}

async function answerFromApi(ctx: Context, name: string, api: ApiThread): Promise<void> {
  const request = { name, query: { ...ctx.query } }
  const answer = name === 'statement-file' ? await api.open(request) : await api.answer(request)
  if ('pieces' in answer) return sendFile(ctx, answer)
  const { status, type, body } = answer
  ctx.status = status
  if (type === 'csv') ctx.attachment('usage.csv')
  await sendBody(ctx, type === 'csv' ? 'text/csv' : 'application/json', body)
}

function sendRefusal(ctx: Context, status: number, code: string, message: string): void {
  ctx.status = status
  ctx.body = { error: { code, message } }
}

function requireOptions(options: DashboardOptions): DashboardOptions {
  const { authorize, prefix, database } = options ?? {}
  if (typeof authorize !== 'function') {
    throw new AnalyticsError(
      'OPTION_INVALID',
      'analyticsDashboard() needs authorize: a function of the context that says who may see all usage.',
    )
  }
  if (prefix !== undefined && !/^(\/[\w.~-]+)*$/.test(prefix)) {
    throw new AnalyticsError(
      'OPTION_INVALID',
      `The prefix is ${JSON.stringify(prefix)}, expected a path such as "/usage".`,
    )
  }
  if (database !== undefined) parseDatabaseUrl(database)
  return options
}
