import { shift, startOf, stepsBetween } from '../../time/calendar.ts'
import type { CalendarUnit } from '../../time/calendar.ts'
import type { TrendStep, UsageRow } from '../../model/usage-row.ts'
import type { Period } from '../../time/period.ts'
import { addAmounts } from './amount.ts'
import type { Amount } from './amount.ts'
import type { ReportSeries } from './usage-report.ts'
import { DAY_MS } from '../../time/units.ts'

/** The unit of the steps: small enough to show a shape, large enough for one chart, at most about a hundred steps. */
export function chooseUnit(start: Date, { until, now }: Period): CalendarUnit {
  const days = ((until ?? now).getTime() - start.getTime()) / DAY_MS
  if (days <= 3) return 'hour'
  if (days <= 100) return 'day'
  return days <= 700 ? 'week' : 'month'
}

/** The steps of a period: from its start to its end or, for an open end, to now or the last counted bucket. */
export function findSteps(
  unit: CalendarUnit,
  start: Date,
  { until, now, timeZone }: Period,
  lastBucket: Date | undefined,
): Date[] {
  const counted = lastBucket ? shift(unit, startOf(unit, lastBucket, timeZone), 1, timeZone) : start
  const end = until ?? (counted > now ? counted : now)
  return stepsBetween(unit, start, end, timeZone)
}

/** Requests and errors of all rows at every step, without holes; of a unit, its quantity too. */
export function buildSeries(
  unit: CalendarUnit,
  steps: readonly Date[],
  rows: readonly UsageRow[],
  counted?: string,
): ReportSeries {
  const trends = rows.flatMap(({ trend }) => trend ?? [])
  const requests = spread(trends, steps, 0, ({ requestCount }) => requestCount)
  const errors = spread(trends, steps, 0, ({ errorCount }) => errorCount)
  const quantities =
    counted === undefined ? undefined : spread(trends, steps, 0n, ({ quantity = 0n }) => quantity)
  return {
    unit,
    steps: steps.map((start, step) => ({
      start,
      requests: requests[step]!,
      errors: errors[step]!,
      quantity: quantities?.[step],
    })),
  }
}

/** One amount per step: the sum of the counts in it, from a zero of their type. */
export function spread<A extends Amount>(
  trend: readonly TrendStep[],
  steps: readonly Date[],
  zero: A,
  count: (step: TrendStep) => A,
): A[] {
  const sums = steps.map(() => zero)
  for (const one of trend) {
    const step = findStep(one.start, steps)
    sums[step] = addAmounts(sums[step] ?? zero, count(one)) as A
  }
  return sums
}

/** The last step that begins at or before an instant. A row that a border cuts counts where it begins. */
function findStep(instant: Date, steps: readonly Date[]): number {
  let [low, high] = [0, steps.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (steps[middle]! <= instant) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}
