import type { Context } from 'koa'

/** Koa answers an error with the headers that the error has, and removes all others: the error gets these. */
export function keepHeaders(ctx: Context, thrown: unknown, names: readonly string[]): void {
  const kept = names.flatMap((name) => {
    const value = ctx.response.get(name)
    return value.length > 0 ? [[name, value] as const] : []
  })
  if (kept.length === 0 || !(thrown instanceof Error) || !Object.isExtensible(thrown)) return
  const error: Error & { headers?: unknown } = thrown
  const headers = typeof error.headers === 'object' ? error.headers : undefined
  error.headers = { ...headers, ...Object.fromEntries(kept) }
}
