import type { Operation } from '../../model/operation.ts'
import type { Route } from '../../model/route.ts'
import { formatInstant } from '../../time/calendar.ts'
import { DAY_MS } from '../../time/units.ts'
import { countOf } from '../../terminal/format-number.ts'

/** `GET /users/:id`, or `* /users/:id` for a route of every method. */
export function nameOfRoute({ method, endpoint }: Operation): string {
  return `${method} ${endpoint}`
}

/** `2026-11-27` */
export function formatDate(time: Date | null): string {
  return time ? formatInstant(time, 'UTC').slice(0, 10) : ''
}

/** `today`, `1 day ago`, `3 days ago` */
export function formatDaysAgo(time: Date, now: Date): string {
  const days = Math.floor((now.getTime() - time.getTime()) / DAY_MS)
  return days < 1 ? 'today' : `${formatDays(days)} ago`
}

/** `1 day`, `35 days` */
export function formatDays(days: number): string {
  return countOf(days, 'day')
}

/** Whole days until the sunset; negative after it, and null without one. */
export function daysUntilSunset({ sunsetAt }: Pick<Route, 'sunsetAt'>, now: Date): number | null {
  return sunsetAt && Math.floor((sunsetAt.getTime() - now.getTime()) / DAY_MS)
}

/** `in 35 days`, `today`, `26 days ago` */
export function formatDistance(days: number): string {
  if (days === 0) return 'today'
  return days < 0 ? `${formatDays(-days)} ago` : `in ${formatDays(days)}`
}

/** `2027-01-01 (in 35 days)`, `2026-11-01 (26 days ago)` */
export function formatSunset(route: Pick<Route, 'sunsetAt'>, now: Date): string {
  const days = daysUntilSunset(route, now)
  return days === null ? '' : `${formatDate(route.sunsetAt)} (${formatDistance(days)})`
}

/** `2.1.0`, or `2.0.0 to 2.1.0` */
export function formatReleases({ firstRelease, lastRelease }: Route): string {
  if (firstRelease === null || firstRelease === lastRelease) return lastRelease ?? ''
  return `${firstRelease} to ${lastRelease ?? '(no name)'}`
}
