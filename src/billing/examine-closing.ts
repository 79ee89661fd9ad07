import type { StatementTotals } from '../model/statement.ts'
import { formatCount } from '../report/format-number.ts'
import type { Undelivered } from '../report/note-undelivered.ts'
import { readLastStatement } from '../store/billing/chain.ts'
import { readClosedPeriods, spansOf } from '../store/billing/closed-periods.ts'
import type { ClosedPeriod } from '../store/billing/closed-periods.ts'
import {
  countCutQuantities,
  findOpenUsageBefore,
  readLedgerSince,
  readPruneBorder,
} from '../store/billing/read-closing-state.ts'
import type { LedgerState } from '../store/billing/read-closing-state.ts'
import type { Database } from '../store/database/open-database.ts'
import { findStraddlingRows } from '../store/read/find-straddling-rows.ts'
import { verifyWithin } from '../store/verify/verify-usage.ts'
import type { VerifyResult } from '../store/verify/verify-usage.ts'
import { formatInstant } from '../time/calendar.ts'
import { periodAround } from './billing-period.ts'
import type { BillingPeriod } from './billing-period.ts'

/** What was found before closing. */
export interface Findings {
  /** Why the period cannot be closed, each with its remedy. */
  readonly refusals: readonly string[]
  readonly warnings: readonly string[]
  /** The period, or a part of it, is closed already: there is nothing to compute. */
  readonly isClosed: boolean
  readonly acceptedMissing: number
  readonly missing: StatementTotals['missing']
  readonly ledger: StatementTotals['ledger']
}

interface Order {
  readonly period: BillingPeriod
  readonly billable: readonly string[]
  readonly acceptMissing?: number | undefined
  readonly now?: Date | undefined
}

/** Examines whether a period may be closed. `db` runs its statements in the transaction of the closing. */
export async function examineClosing(
  db: Database,
  order: Order,
  waiting: Undelivered,
  dataDir: string,
): Promise<Findings> {
  const { period, acceptMissing = 0, now = new Date() } = order
  const closed = await readClosedPeriods(db, db.dialect)
  const overlap = closed.find(
    ({ since, until }) => since < period.until.getTime() && until > period.since.getTime(),
  )
  const last = await readLastStatement(db)
  const accepted = last && (JSON.parse(last.totals!) as StatementTotals)
  const ledger = await readLedgerSince(db, db.dialect, period.since.getTime())
  const account = await verifyWithin(db, db)
  const newlyMissing = countNewlyMissing(ledger, accepted)
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
          ...warnOfSilence(ledger, period),
          ...warnOfMissingUnits(account),
          ...(await warnOfPrunes(db, period)),
        ],
    isClosed: overlap !== undefined,
    acceptedMissing: newlyMissing,
    missing: ledger
      .filter(({ missing }) => missing > 0)
      .map(({ instance, missing }) => ({ instance, requests: missing })),
    ledger: ledger
      .filter(({ updatedAt }) => updatedAt >= period.since.getTime())
      .map(({ instance, sequence, requests }) => ({ instance, sequence, requests })),
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
  const open = await findOpenUsageBefore(db, db, period.since.getTime(), spansOf(closed))
  if (!open) return []
  const { label } = periodAround(new Date(open.first), period.unit, period.timeZone)
  return [
    `${formatCount(open.requests)} earlier requests, from ${formatInstant(new Date(open.first), 'UTC')} UTC on, are in no closed period. Close earlier periods first, beginning with ${label}.`,
  ]
}

async function findCutRows(
  db: Database,
  period: BillingPeriod,
  closed: readonly ClosedPeriod[],
): Promise<string[]> {
  // A row across a border that is closed already was billed with the period in which it begins.
  const isClosedAt = (border: Date) =>
    closed.some(({ since, until }) => since === border.getTime() || until === border.getTime())
  const cut = await findStraddlingRows(db, {
    ...(!isClosedAt(period.since) && { since: period.since }),
    ...(!isClosedAt(period.until) && { until: period.until }),
  })
  const quantities =
    (isClosedAt(period.since) ? 0 : await countCutQuantities(db, db.dialect, period.since)) +
    (isClosedAt(period.until) ? 0 : await countCutQuantities(db, db.dialect, period.until))
  // of all keys in the period, whoever owns them
  const { cutByOwners } = await findStraddlingRows(db, {
    since: period.since,
    until: period.until,
    by: ['owner'],
  })
  return [
    ...(cut.rows + quantities > 0
      ? [
          `${describeRows(Math.max(cut.rows, quantities))} with ${formatCount(cut.requests)} requests ${Math.max(cut.rows, quantities) === 1 ? 'crosses' : 'cross'} its border. Close it with --tz UTC; to bill in ${period.timeZone}, count in narrower buckets (option bucket) and do not roll up a period before it is closed.`,
        ]
      : []),
    ...(cutByOwners && cutByOwners.rows > 0
      ? [
          `${describeRows(cutByOwners.rows)} with ${formatCount(cutByOwners.requests)} requests ${cutByOwners.rows === 1 ? 'contains' : 'contain'} the time of two owners. "apikey-analytics keys owners KEY" shows when a key changed hands; move the change to a border of the row with "apikey-analytics keys name KEY --owner OWNER --from TIME".`,
        ]
      : []),
  ]
}

function describeDifference(account: VerifyResult): string[] {
  const { balanced, billing } = account
  const isBilled = billing?.units.every((unit) => unit.balanced) ?? true
  return [
    ...(balanced && isBilled
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

function describeWaiting(
  { undeliveredRequests, setAside, unreadable }: Undelivered,
  dataDir: string,
): string[] {
  const bad = setAside.length + unreadable.length
  return [
    ...(undeliveredRequests > 0
      ? [`${formatCount(undeliveredRequests)} requests wait in ${dataDir}. Run "apikey-analytics flush".`]
      : []),
    ...(bad > 0
      ? [
          `${formatCount(bad)} files in ${dataDir} could not be delivered. "apikey-analytics verify" names them.`,
        ]
      : []),
  ]
}

function describeMissing(missing: number, accepted: number): string[] {
  if (missing === accepted) return []
  if (missing === 0) return [`no requests are missing. Leave --accept-missing ${accepted} out.`]
  const remedy = `To bill without them, pass --accept-missing ${missing}: the statement then says so.`
  return [
    accepted === 0
      ? `${formatCount(missing)} counted requests never arrived. "apikey-analytics verify" shows of which instances; "apikey-analytics flush" on their machines may still deliver them. ${remedy}`
      : `${formatCount(missing)} requests are missing, not ${formatCount(accepted)}. ${remedy}`,
  ]
}

/** Missing requests that the statement before did not list, instance by instance: what is lost is accepted once. */
function countNewlyMissing(ledger: readonly LedgerState[], accepted: StatementTotals | undefined): number {
  const before = new Map(accepted?.missing.map(({ instance, requests }) => [instance, requests]))
  return ledger.reduce(
    (sum, { instance, missing }) => sum + Math.max(0, missing - (before.get(instance) ?? 0)),
    0,
  )
}

function warnOfSilence(ledger: readonly LedgerState[], { until }: BillingPeriod): string[] {
  const silent = ledger.filter(({ updatedAt }) => updatedAt < until.getTime())
  if (silent.length === 0) return []
  const last = Math.max(...silent.map(({ updatedAt }) => updatedAt))
  const who = silent.length === 1 ? '1 instance' : `${formatCount(silent.length)} instances`
  return [
    `${who} last delivered before the end of the period (the latest at ${formatInstant(new Date(last), 'UTC')} UTC). A process that ended cleanly has delivered everything. A machine that died may still hold counts: they become corrections in a later statement.`,
  ]
}

/** Lost quantities come with lost requests, which are accepted by number. */
function warnOfMissingUnits({ units }: VerifyResult): string[] {
  const missing = units.filter((unit) => unit.missing > 0n)
  if (missing.length === 0) return []
  const what = missing.map((unit) => `${formatCount(unit.missing)} ${unit.unit}`).join(', ')
  return [`Of all time, ${what} were counted and never arrived. They are not billed.`]
}

async function warnOfPrunes(db: Database, { since }: BillingPeriod): Promise<string[]> {
  const border = await readPruneBorder(db, db.dialect)
  return border !== null && border > since.getTime()
    ? [
        `Usage of before ${formatInstant(new Date(border), 'UTC')} UTC was pruned. What was pruned of this period before it is closed is not billed.`,
      ]
    : []
}

function describeRows(rows: number): string {
  return rows === 1 ? '1 stored row' : `${formatCount(rows)} stored rows`
}
