import { formatDay } from '../../time/format-date.ts'
import { describePeriod, figuresTo, isComplete } from '../../time/period.ts'
import type { Period } from '../../time/period.ts'
import type { BoundedPeriod } from '../../time/previous-period.ts'
import type { ReportedPrevious, UsageReport } from './usage-report.ts'

/** Share of a period that may lie before the first count: a quiet first night of a month is not missing history. */
const QUIET_PART = 1 / 30

/** A period in the form of a report. */
export function toReportedPeriod(period: Period): UsageReport['period'] {
  const { since = null, until = null, timeZone } = period
  return {
    since,
    until,
    timeZone,
    text: describePeriod(period),
    complete: isComplete(period),
    figuresTo: figuresTo(period),
  }
}

/** The previous period in the form of a report; `historyStart` is the first bucket of the database. */
export function toReportedPrevious(
  previous: BoundedPeriod,
  historyStart: Date | undefined,
): ReportedPrevious {
  const { since, until } = previous
  const quietMs = (until.getTime() - since.getTime()) * QUIET_PART
  const isMissing = historyStart && historyStart.getTime() - since.getTime() > quietMs
  return { since, until, text: describePeriod(previous), historyBegins: isMissing ? historyStart : null }
}

/** Notes why there is no change although it was asked for. */
export function noteHistory({ historyBegins, text }: ReportedPrevious, timeZone: string): string[] {
  if (!historyBegins) return []
  return [`No comparison with ${text}: history begins on ${formatDay(historyBegins, timeZone)}.`]
}
