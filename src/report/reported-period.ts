import { formatDay } from '../time/format-date.ts'
import { describePeriod, figuresTo, isComplete } from '../time/period.ts'
import type { Period } from '../time/period.ts'
import type { ClosedPeriod } from '../time/previous-period.ts'
import type { ReportedPrevious, UsageReport } from './usage-report.ts'

/** A quiet first night of a month is no missing history: so much of a period may lie before the first count. */
const QUIET_PART = 1 / 30

/** A period as a report has it. */
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

/** The period before as a report has it; `historyStart` is the first bucket of the database. */
export function toReportedPrevious(previous: ClosedPeriod, historyStart: Date | undefined): ReportedPrevious {
  const { since, until } = previous
  const quietMs = (until.getTime() - since.getTime()) * QUIET_PART
  const isMissing = historyStart && historyStart.getTime() - since.getTime() > quietMs
  return { since, until, text: describePeriod(previous), historyBegins: isMissing ? historyStart : null }
}

/** Says why there is no change although it was asked for. */
export function noteHistory({ historyBegins, text }: ReportedPrevious, timeZone: string): string[] {
  if (!historyBegins) return []
  return [`No comparison with ${text}: history begins on ${formatDay(historyBegins, timeZone)}.`]
}
