import { AnalyticsError } from '../model/errors.ts'
import { isAtLeast } from '../model/severity.ts'
import type { Severity } from '../model/severity.ts'
import { countOf, formatCount } from '../terminal/format-number.ts'
import { noteUndelivered } from '../report/notes/note-undelivered.ts'
import type { ReportHeading } from '../report/render/render-report.ts'
import { usageSourceOf } from '../report/usage/usage-source.ts'
import type { Database } from '../store/database/open-database.ts'
import { findStraddlingRows } from '../store/read/find-straddling-rows.ts'
import { parseInstant } from '../time/period.ts'
import { DAY_MS } from '../time/units.ts'
import { findFindings } from './find-findings.ts'
import type { SecurityFindings } from './find-findings.ts'
import { parseThresholds } from './parse-thresholds.ts'

/** The flags of `security`, parsed. */
export interface SecurityFlags {
  readonly since: string
  readonly until?: string | undefined
  readonly threshold?: readonly string[] | undefined
}

/** Findings, the heading above them, and what a reader has to know about them. */
export interface HeadedFindings {
  readonly found: SecurityFindings
  readonly heading: ReportHeading
  readonly notes: readonly string[]
}

/** Builds the findings that the flags ask for. @throws WRONG_USAGE, ARGUMENT_INVALID */
export async function readFindings(
  db: Database,
  flags: SecurityFlags,
  dataDir: string,
  { maxDays = Number.POSITIVE_INFINITY }: { maxDays?: number } = {},
): Promise<HeadedFindings> {
  const now = new Date()
  const until = flags.until === undefined ? now : parseInstant(flags.until, 'UTC', now)
  const since = parseInstant(flags.since, 'UTC', until)
  if (until.getTime() - since.getTime() > maxDays * DAY_MS) {
    throw new AnalyticsError('WRONG_USAGE', `The period is too long for findings: at most ${maxDays} days.`)
  }
  const found = await findFindings(usageSourceOf(db), {
    ...parseThresholds(flags.threshold),
    since,
    until,
  })
  return {
    found,
    heading: { title: 'Security findings', databaseLabel: db.databaseLabel, dataDir },
    notes: [
      ...noteShortHistory(found),
      ...(await noteWideRows(db, found)),
      ...(await noteUndelivered(db, dataDir)),
    ],
  }
}

/** Whether a finding is at least as severe as a given severity. */
export function failsOn({ found }: HeadedFindings, least: Severity | undefined): boolean {
  if (least === undefined) return false
  return found.findings.some(({ severity }) => isAtLeast(severity, least))
}

function noteShortHistory({ keyCount, youngKeyCount, historyDays }: SecurityFindings): string[] {
  if (youngKeyCount === 0) return []
  const days = `The database has ${countOf(Math.floor(historyDays), 'day')} of history before this period.`
  return [
    `${formatCount(youngKeyCount)} of ${countOf(keyCount, 'key')} ${youngKeyCount === 1 ? 'has' : 'have'} too little history: ${youngKeyCount === 1 ? 'its' : 'their'} rate, errors and endpoints were not judged. ${days}`,
  ]
}

async function noteWideRows(
  db: Database,
  { since, until, historyDays }: SecurityFindings,
): Promise<string[]> {
  const from = new Date(since.getTime() - historyDays * DAY_MS)
  const { rows } = await findStraddlingRows(db, { since: from, until, by: ['hour'], imported: false })
  return rows > 0
    ? [
        `${countOf(rows, 'row is', 'rows are')} wider than an hour and ${rows === 1 ? 'counts in its' : 'count in their'} first one: roll up only what is older than the history.`,
      ]
    : []
}
