import type { Context } from 'koa'
import { markRequest } from '../request-mark.ts'
import { RequestUsage } from './request-usage.ts'

/**
 * Sets how much of a unit this request used; the last value wins. May be called again after the response has begun,
 * with the sum so far: a stream that ends early has what was set last.
 * @param unit one of the option `units`
 * @param quantity a whole number, 0 or more. Anything else is reported once (USAGE_INVALID) and not counted.
 *
 * ```ts
 * for await (const part of answer) {
 *   setUsage(ctx, 'tokens', part.tokensSoFar)
 *   stream.write(part.text)
 * }
 * ```
 */
export function setUsage(ctx: Pick<Context, 'req'>, unit: string, quantity: number): void {
  usageOf(ctx).set(unit, quantity)
}

/** Adds to how much of a unit this request used. May be called again after the response has begun, as `setUsage`. */
export function addUsage(ctx: Pick<Context, 'req'>, unit: string, quantity: number): void {
  usageOf(ctx).add(unit, quantity)
}

function usageOf({ req }: Pick<Context, 'req'>): RequestUsage {
  const mark = markRequest(req)
  return (mark.usage ??= new RequestUsage())
}
