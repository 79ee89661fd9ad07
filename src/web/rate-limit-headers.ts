import type { Context } from 'koa'
import type { QuotaState } from '../model/quota.ts'
import { takesHeaders } from './takes-headers.ts'

/** The headers that `setRateLimit` sets. */
export const RATE_LIMIT_HEADERS = ['RateLimit-Policy', 'RateLimit']

/**
 * The values of `RateLimit-Policy` and `RateLimit` for some quotas, as lists of RFC 9651
 * (draft-ietf-httpapi-ratelimit-headers-10).
 */
export function writeRateLimit(
  quotas: readonly QuotaState[],
  now: number,
): { policy: string; limit: string } {
  const policy: string[] = []
  const limit: string[] = []
  for (const { of, unit, per, limit: quota, remaining, startedAt, resetsAt } of quotas) {
    const name = `"${of}-${unit}-${per}"`
    const seconds = Math.round((resetsAt.getTime() - startedAt.getTime()) / 1000)
    const reset = Math.max(0, Math.ceil((resetsAt.getTime() - now) / 1000))
    // requests are the default unit
    policy.push(`${name};q=${quota};w=${seconds}${unit === 'requests' ? '' : `;qu="${unit}"`}`)
    limit.push(`${name};r=${remaining};t=${reset}`)
  }
  return { policy: policy.join(', '), limit: limit.join(', ') }
}

/** Sets the headers on a response that has not begun. */
export function setRateLimit(ctx: Context, quotas: readonly QuotaState[], now: number): void {
  if (quotas.length === 0 || !takesHeaders(ctx)) return
  const { policy, limit } = writeRateLimit(quotas, now)
  ctx.set('RateLimit-Policy', policy)
  ctx.set('RateLimit', limit)
}
