import type { Context } from 'koa'

type Headers = readonly (readonly [name: string, value: string | string[]])[]

/**
 * Koa answers an error with the headers that the error has, and removes all others. So the error gets these, and only
 * while Koa answers: an app may throw one error object for many requests, whose headers are no business of each other.
 */
export function keepHeaders(ctx: Context, names: readonly string[]): void {
  const kept = names
    .map((name) => [name, ctx.response.get(name)] as const)
    .filter(([, value]) => value.length > 0)
  if (kept.length === 0) return
  const answer = ctx.onerror.bind(ctx)
  const onerror = (error: Error) => {
    const takeBack = lendHeaders(error, kept)
    try {
      answer(error)
    } finally {
      takeBack?.()
    }
  }
  Object.assign(ctx, { onerror })
}

/** @returns a function that undoes it; nothing for an object that refuses changes: its answer has no such headers */
function lendHeaders(error: unknown, kept: Headers): (() => void) | undefined {
  if (!(error instanceof Error)) return undefined
  const before = Object.getOwnPropertyDescriptor(error, 'headers')
  const headers: unknown = before?.value
  const value = { ...(typeof headers === 'object' ? headers : {}), ...Object.fromEntries(kept) }
  const lent = Reflect.defineProperty(error, 'headers', {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  })
  if (!lent) return undefined
  return () => {
    if (before) Object.defineProperty(error, 'headers', before)
    else delete (error as { headers?: unknown }).headers
  }
}
