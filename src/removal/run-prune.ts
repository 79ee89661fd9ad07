import { AnalyticsError } from '../model/errors.ts'
import { formatInstant } from '../time/calendar.ts'
import { countOf } from '../terminal/format-number.ts'
import { parseAge, parseInstant } from '../time/period.ts'
import { nameOfKey } from '../report/usage/group-names.ts'
import type { Database } from '../store/database/open-database.ts'
import { countPrunableAlerts, pruneAlerts } from '../store/alerts/remove-alerts.ts'
import { countPrunableRoutes, pruneRoutes } from '../store/routes/prune-routes.ts'
import { countPrunable, hasPrunableQuantities, pruneUsage } from '../store/remove/prune-usage.ts'
import { rollUpUsage } from '../store/remove/roll-up-usage.ts'
import { findKey } from '../report/question/find-key.ts'
import type { SecretInput } from '../report/question/find-key.ts'
import type { ProgressBar } from '../terminal/progress-bar.ts'

/** The flags of `prune`, parsed. */
export interface PruneFlags {
  readonly 'older-than'?: string | undefined
  readonly before?: string | undefined
  readonly 'roll-up'?: 'day' | undefined
  readonly key?: string | undefined
}

/** The effect of a prune. */
export interface PrunePlan {
  readonly before: Date
  readonly keyIds?: readonly string[] | undefined
  readonly rollUp: boolean
  /** Nothing would change. */
  readonly isEmpty: boolean
  readonly text: string
  readonly result: object
}

/** Counts what the flags would prune. @throws WRONG_USAGE */
export async function planPrune(
  db: Database,
  flags: PruneFlags,
  secretInput: SecretInput,
  now = new Date(),
): Promise<PrunePlan> {
  const before = readBefore(flags, now)
  const key = flags.key === undefined ? undefined : await findKey(db, flags.key, secretInput)
  const keyIds = key && [key.id]
  const { rows, requests, from, to } = await countPrunable(db, { before, keyIds })
  const rollUp = flags['roll-up'] === 'day'
  const hasUsage = rows > 0 || (await hasPrunableQuantities(db, { before, keyIds }))
  const alerts = rollUp ? 0 : await countPrunableAlerts(db, { before, keyId: key?.id, now })
  const routes = rollUp || key ? 0 : await countPrunableRoutes(db, before)
  const isEmpty = !hasUsage && alerts === 0 && routes === 0
  const what = [
    ...(rows > 0 ? [`${countOf(rows, 'row')} with ${countOf(requests, 'request')}`] : []),
    ...(rows === 0 && hasUsage ? ['quantities without requests'] : []),
    ...(alerts > 0 ? [countOf(alerts, 'alert')] : []),
    ...(routes > 0 ? [describeRoutes(routes)] : []),
  ].join(' and ')
  const span = from && to ? `, from ${formatInstant(from, 'UTC')} to ${formatInstant(to, 'UTC')} (UTC)` : ''
  const whose = key ? ` of ${nameOfKey(key)}` : ''
  const where = `${db.databaseLabel}, before ${formatInstant(before, 'UTC')} (UTC)`
  const text = isEmpty
    ? `There is nothing to prune${whose} in ${where}.`
    : rollUp
      ? `Looks at ${what}${whose}${span}, and merges hour and minute rows into day rows in ${where}. All totals stay; times within a day are lost.`
      : `Deletes ${what}${whose}${span} in ${where}.`
  const result = { before, rollUp, rows, requests, from, to, alerts, routes, done: false }
  return { before, keyIds, rollUp, isEmpty, text, result }
}

/** Prunes or rolls up as planned. @throws DATABASE_FAILED, with the work done so far, when it is interrupted */
export async function runPrune(
  db: Database,
  { before, keyIds, rollUp }: PrunePlan,
  bar: ProgressBar,
  signal: AbortSignal,
): Promise<{ text: string; result: object }> {
  let doneRows = 0
  const onProgress = ({ rows, done }: { rows: number; done: number }): void => {
    doneRows = rows
    bar.update(done, rows)
  }
  try {
    if (rollUp) {
      const rolled = await rollUpUsage(db, { before, keyId: keyIds?.[0], onProgress, signal })
      const text = `Rolled ${countOf(rolled.rowsBefore, 'row')} up into ${countOf(rolled.rowsAfter, 'day row')}; ${countOf(rolled.requests, 'request')}, as before.\n`
      return { text, result: { before, rollUp, ...rolled, done: true } }
    }
    const pruned = await pruneUsage(db, { before, keyIds, onProgress, signal })
    const alerts = await pruneAlerts(db, { before, keyId: keyIds?.[0] })
    const routes = keyIds ? 0 : await pruneRoutes(db, before)
    const more = [
      ...(alerts > 0 ? [countOf(alerts, 'alert')] : []),
      ...(routes > 0 ? [describeRoutes(routes)] : []),
    ]
      .map((text) => ` and ${text}`)
      .join('')
    const text = `Pruned ${countOf(pruned.rows, 'row')} with ${countOf(pruned.requests, 'request')}${more}.\n`
    return { text, result: { before, rollUp, ...pruned, alerts, routes, done: true } }
  } catch (error) {
    throw signal.aborted ? interrupted(doneRows, error) : error
  }
}

function describeRoutes(count: number): string {
  return `${countOf(count, 'route')} that no app has any more`
}

function interrupted(rows: number, cause: unknown): AnalyticsError {
  const message = `Interrupted after ${countOf(rows, 'row')}, which ${rows === 1 ? 'is' : 'are'} done and logged. Run it again to continue.`
  return new AnalyticsError('DATABASE_FAILED', message, { cause })
}

function readBefore({ 'older-than': olderThan, before }: PruneFlags, now: Date): Date {
  if (before !== undefined) {
    const instant = parseInstant(before, 'UTC', now)
    if (instant <= now) return instant
    throw new AnalyticsError(
      'WRONG_USAGE',
      `--before ${before} is later than now: that would prune everything.`,
    )
  }
  return new Date(parseAge(olderThan ?? '', now).setUTCHours(0, 0, 0, 0))
}
