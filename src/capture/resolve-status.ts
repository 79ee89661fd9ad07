import type { Context, Response } from 'koa'

/** nginx's status for a client that closed the connection before its response began. */
const CLIENT_WENT_AWAY = 499
const SWITCHING_PROTOCOLS = 101

/**
 * The status that Koa sends after the handlers have finished. Statuses outside 100-599 count as 500. A connection of
 * koa-websocket has no response: it was answered before.
 */
export function resolveStatus({ res }: Context): number {
  return hasResponse(res) ? clampStatus(res.statusCode) : SWITCHING_PROTOCOLS
}

/** The status of a response that the app sent by itself (`ctx.respond = false`) and that is over. */
export function resolveEndStatus({ req, res }: Context): number {
  if (!hasResponse(res)) return SWITCHING_PROTOCOLS
  if (res.headersSent) return clampStatus(res.statusCode)
  // a WebSocket library has answered on the socket itself
  return /websocket/i.test(req.headers.upgrade ?? '') ? SWITCHING_PROTOCOLS : CLIENT_WENT_AWAY
}

/** Whether nothing more will be sent: the response has ended, or its connection has. */
export function isResponseOver({ res }: Context): boolean {
  return !hasResponse(res) || res.writableEnded || res.destroyed || res.closed
}

function hasResponse(res: Context['res'] | undefined): res is Context['res'] {
  return res !== undefined
}

/**
 * The status that Koa sends for what a handler threw: the error's own status if it is a known code, otherwise 500. A
 * response that was under way keeps the status it began with.
 */
export function resolveThrownStatus(ctx: Context, thrown: unknown): number {
  if (!hasResponse(ctx.res) || ctx.headerSent) return resolveStatus(ctx)
  if (!isError(thrown)) return 500
  if (thrown.code === 'ENOENT' && answersMissingFile(ctx)) return 404
  const status = thrown.status || thrown.statusCode
  return typeof status === 'number' && isKnownStatus(ctx, status) ? clampStatus(status) : 500
}

/**
 * Whether Koa knows a status: it answers others with 500. Which ones depends on its version of `statuses` (306 is known
 * to Koa 2 only), so its own response is asked: it gives a known status its message.
 */
function isKnownStatus(ctx: Context, status: number): boolean {
  if (!Number.isInteger(status) || status < 100 || status > 999) return false
  const res = { statusMessage: undefined }
  const probe = Object.create(Object.getPrototypeOf(ctx.response) as object, {
    res: { value: res },
    req: { value: { httpVersionMajor: 1 } },
  }) as Response
  probe.status = status
  return res.statusMessage !== undefined
}

interface StatusError {
  readonly code?: unknown
  readonly status?: unknown
  readonly statusCode?: unknown
}

/** Koa's own test, right for errors of another realm too. */
function isError(thrown: unknown): thrown is StatusError {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]'
}

/** Koa 2 answers ENOENT with 404, Koa 3 does not; no version is exposed, so the error handler itself is asked. */
function answersMissingFile(ctx: Context): boolean {
  return String((ctx as { onerror: unknown }).onerror).includes('ENOENT')
}

/** A status may be a text that bypassed Koa's setter: it is sent as the number in the text. */
function clampStatus(given: number): number {
  const status = Math.trunc(given)
  return status >= 100 && status <= 599 ? status : 500
}
