import { STATUS_CODES } from 'node:http'
import type { Context } from 'koa'

/** The status that Koa sends after the handlers have finished. Statuses outside 100-599 count as 500. */
export function resolveStatus({ res }: Context): number {
  return clampStatus(res.statusCode)
}

/**
 * The status that Koa sends for what a handler threw: the error's own status where it is a known code, else 500. A
 * response that was under way keeps the status it began with.
 */
export function resolveThrownStatus(ctx: Context, thrown: unknown): number {
  if (ctx.headerSent) return resolveStatus(ctx)
  if (!isError(thrown)) return 500
  if (thrown.code === 'ENOENT' && answersMissingFile(ctx)) return 404
  const status = thrown.status || thrown.statusCode
  return typeof status === 'number' && STATUS_CODES[status] ? clampStatus(status) : 500
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

/** A status may come as text, past Koa's setter: it is sent as the number that it says. */
function clampStatus(given: number): number {
  const status = Math.trunc(given)
  return status >= 100 && status <= 599 ? status : 500
}
