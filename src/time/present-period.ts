import { shift, startOf } from './calendar.ts'
import type { CalendarUnit } from './calendar.ts'

/** The period of the calendar that contains a moment (epoch milliseconds): `since` inclusive, `until` exclusive. */
export function presentPeriod(
  { per, timeZone }: { readonly per: CalendarUnit; readonly timeZone: string },
  now: number,
): { since: Date; until: Date } {
  const since = startOf(per, new Date(now), timeZone)
  return { since, until: shift(per, since, 1, timeZone) }
}
