import type { Context } from 'koa'
import type { Deprecation } from '../model/route.ts'
import { takesHeaders } from './takes-headers.ts'

/** The headers that `setDeprecation` sets. */
export const DEPRECATION_HEADERS = ['Deprecation', 'Sunset', 'Link']

/** The headers of a deprecated route, as they are sent. */
export interface DeprecationHeaders {
  readonly deprecation: string
  readonly sunset: string | undefined
  readonly link: string | undefined
}

/**
 * Writes `Deprecation` as a date of structured fields (RFC 9745), `Sunset` as an HTTP date (RFC 8594), and `Link` with
 * the relations that both define.
 */
export function writeDeprecation({ deprecatedAt, sunsetAt, link }: Deprecation): DeprecationHeaders {
  const relations = sunsetAt ? ['deprecation', 'sunset'] : ['deprecation']
  return {
    deprecation: `@${Math.floor(deprecatedAt.getTime() / 1000)}`,
    sunset: sunsetAt?.toUTCString(),
    link: link === null ? undefined : relations.map((rel) => `<${link}>; rel="${rel}"`).join(', '),
  }
}

/** Sets the headers on a response that has not begun. What the app has set itself stays. */
export function setDeprecation(ctx: Context, { deprecation, sunset, link }: DeprecationHeaders): void {
  if (!takesHeaders(ctx)) return
  if (!ctx.res.hasHeader('Deprecation')) ctx.set('Deprecation', deprecation)
  if (sunset !== undefined && !ctx.res.hasHeader('Sunset')) ctx.set('Sunset', sunset)
  if (link !== undefined) ctx.append('Link', link)
}
