import { describeQuantities } from '../../model/quantities.ts'
import type { StatementTotals } from '../../model/statement.ts'
import type { StatusFilter } from '../../model/usage-query.ts'
import { countOf } from '../../terminal/format-number.ts'
import { noteLeftOut } from '../../report/notes/note-imported.ts'
import { describeAmounts, noteNoDataDir } from '../../report/notes/note-undelivered.ts'
import type { Undelivered } from '../../report/notes/note-undelivered.ts'
import { readLastStatement } from '../../store/billing/chain.ts'
import { readClosedPeriods, joinPeriods } from '../../store/billing/closed-periods.ts'
import type { ClosedPeriod } from '../../store/billing/closed-periods.ts'
import {
  findOpenUsageBefore,
  readLedgerSince,
  readMissing,
  readPruneBorder,
} from '../../store/billing/read-closing-state.ts'
import type { LedgerState } from '../../store/billing/read-closing-state.ts'
import type { Database } from '../../store/database/open-database.ts'
import { verifyWithin } from '../../store/verify/verify-usage.ts'
import type { VerifyResult } from '../../store/verify/verify-usage.ts'
import { formatInstant } from '../../time/calendar.ts'
import { periodAround } from '../billing-period.ts'
import type { BillingPeriod } from '../billing-period.ts'
import type { CloseOrder } from './close-order.ts'
import { findCutRows } from './find-cut-rows.ts'
import { countNewlyMissing, describeMissing } from './missing-counts.ts'

/** What was found before closing. */
export interface ClosingFindings {
  /** Why the period cannot be closed, each with its remedy. */
  readonly refusals: readonly string[]
  readonly warnings: readonly string[]
  /** The period, or a part of it, is closed already: there is nothing to compute. */
  readonly isClosed: boolean
  /** By unit: what is missing and was not on the statement before. */
  readonly acceptedMissing: ReadonlyMap<string, bigint>
  readonly missing: StatementTotals['missing']
  readonly ledger: StatementTotals['ledger']
}

/** Examines whether a period may be closed. `db` runs its statements in the transaction of the closing. */
export async function examineClosing(
  db: Database,
  order: CloseOrder,
  waiting: Undelivered,
  dataDir: string,
): Promise<ClosingFindings> {
  const { period, acceptMissing = {}, now = new Date() } = order
  const closed = await readClosedPeriods(db, db.dialect)
  const overlap = closed.find(
    ({ since, until }) => since < period.until.getTime() && until > period.since.getTime(),
  )
  const last = await readLastStatement(db)
  const before = last && (JSON.parse(last.totals!) as StatementTotals)
  const ledger = await readLedgerSince(db, db.dialect, period.since.getTime())
  const missing = await readMissing(db)
  const account = await verifyWithin(db, db)
  const newlyMissing = countNewlyMissing(missing, before?.missing)
  const refusals = overlap
    ? [describeOverlap(overlap, period)]
    : [
        ...(period.until > now
          ? [`it is not over before ${period.until.toISOString()}. Run this again then.`]
          : []),
        ...(await findEarlierUsage(db, period, closed)),
        ...(await findCutRows(db, period, closed)),
        ...describeDifference(account),
        ...describeWaiting(waiting, dataDir),
        ...describeMissing(newlyMissing, acceptMissing),
      ]
  return {
    refusals,
    warnings: overlap
      ? []
      : [
          ...noteNoDataDir(dataDir),
          ...warnOfSilence(ledger, period),
          ...(await warnOfPrunes(db, period)),
          ...(await warnOfImports(db, order)),
        ],
    isClosed: overlap !== undefined,
    acceptedMissing: newlyMissing,
    missing,
    ledger: ledger.map(({ instance, sequence, requests }) => ({ instance, sequence, requests })),
  }
}

function describeOverlap({ number, since, until }: ClosedPeriod, period: BillingPeriod): string {
  const isSame = since === period.since.getTime() && until === period.until.getTime()
  const show = `"apikey-analytics statements show ${number}" shows it`
  if (isSame)
    return `it was closed already, by statement ${number}: ${show}. Late counts come with the next statement.`
  const span = `${new Date(since).toISOString()} to ${new Date(until).toISOString()}`
  return `statement ${number} closed the time from ${span}, which overlaps it: ${show}. Close a period that begins or ends there.`
}

async function findEarlierUsage(
  db: Database,
  period: BillingPeriod,
  closed: readonly ClosedPeriod[],
): Promise<string[]> {
  const open = await findOpenUsageBefore(db, db, period.since.getTime(), joinPeriods(closed))
  if (!open) return []
  const { label } = periodAround(new Date(open.first), period.unit, period.timeZone)
  return [
    `earlier usage, from ${formatInstant(new Date(open.first), 'UTC')} UTC on, is in no closed period: ${describeQuantities(open.quantities)}. Close earlier periods first, beginning with ${label}.`,
  ]
}

function describeDifference(account: VerifyResult): string[] {
  const { balanced, billing } = account
  return [
    ...(balanced
      ? []
      : [
          'the stored rows differ from what was delivered: they were changed by hand. "apikey-analytics verify" shows by how much; restore them.',
        ]),
    ...(billing && billing.faults.length > 0
      ? [
          `earlier statements, or what they billed, were changed. "apikey-analytics verify" and "apikey-analytics statements check" show what; restore it.`,
        ]
      : []),
  ]
}

function describeWaiting(waiting: Undelivered, dataDir: string): string[] {
  const { setAside, unreadable } = waiting
  const amounts = describeAmounts(waiting)
  const bad = setAside.length + unreadable.length
  return [
    ...(amounts
      ? [
          `${amounts} ${waiting.undeliveredRequests === 1 ? 'waits' : 'wait'} in ${dataDir}. Run "apikey-analytics flush".`,
        ]
      : []),
    ...(bad > 0
      ? [
          `${countOf(bad, 'file')} in ${dataDir} could not be delivered. "apikey-analytics verify" names ${bad === 1 ? 'it' : 'them'}.`,
        ]
      : []),
  ]
}

function warnOfSilence(ledger: readonly LedgerState[], { until }: BillingPeriod): string[] {
  const silent = ledger.filter(({ updatedAt }) => updatedAt < until.getTime())
  if (silent.length === 0) return []
  const last = Math.max(...silent.map(({ updatedAt }) => updatedAt))
  const who = countOf(silent.length, 'instance')
  return [
    `${who} last delivered before the end of the period (the latest at ${formatInstant(new Date(last), 'UTC')} UTC). A process that ended cleanly has delivered everything. A machine that died may still hold counts: they become corrections in a later statement.`,
  ]
}

async function warnOfImports(db: Database, { period, billable }: CloseOrder): Promise<string[]> {
  const { since, until } = period
  return noteLeftOut(db, { since, until, status: billable as StatusFilter[] })
}

async function warnOfPrunes(db: Database, { since }: BillingPeriod): Promise<string[]> {
  const border = await readPruneBorder(db, db.dialect)
  return border !== null && border > since.getTime()
    ? [
        `Usage of before ${formatInstant(new Date(border), 'UTC')} UTC was pruned. What was pruned of this period before it is closed is not billed.`,
      ]
    : []
}
