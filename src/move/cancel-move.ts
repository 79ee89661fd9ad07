import { faultPoint } from '../model/fault-point.ts'
import { AnalyticsError } from '../model/errors.ts'
import { openDatabase } from '../store/database/open-database.ts'
import type { Database } from '../store/database/open-database.ts'
import { readMeta } from '../store/database/read-meta.ts'
import type { MetaRow } from '../store/database/read-meta.ts'
import { describeState } from '../store/database/require-active.ts'
import { abandonTarget, releaseSource } from '../store/move/change-state.ts'

/** What cancelling did: the data of `move --cancel --json`. */
export interface Cancelled {
  readonly from: string
  readonly to: string
  /** False when the source was active. */
  readonly cancelled: boolean
}

/**
 * Makes the source of a move active again, after no run of `move` can make its target active any more.
 * @param force do it also when the target cannot be asked. It may then be active too, and both may get counts.
 * @throws DATABASE_REFUSED when the target is active, or is another one than that of the move
 */
export async function cancelMove(
  source: Database,
  targetUrl: string | undefined,
  { force }: { readonly force: boolean },
): Promise<Cancelled> {
  const meta = await readMeta(source)
  const from = source.databaseLabel
  if (meta.state === 'active') return { from, to: '', cancelled: false }
  if (meta.state === 'arriving')
    throw refused(`${describeState(from, meta)} Name the other one with --database to cancel that move.`)
  if (targetUrl !== undefined) await abandon(source, meta, targetUrl)
  else if (!force) throw refused(`Name ${meta.other_database} with --to. ${RISK}`)
  faultPoint('target abandoned')
  await releaseSource(source, meta)
  faultPoint('source released')
  return { from, to: meta.other_database ?? '', cancelled: true }
}

const RISK =
  'It must be made sure that it never becomes active. If it is gone for good, leave --to out and pass --target-is-gone: when it comes back and an app uses it, counts are in both databases and cannot be merged.'

async function abandon(source: Database, meta: MetaRow, targetUrl: string): Promise<void> {
  const target = await openTarget(targetUrl)
  try {
    const found = await readMeta(target)
    requireTargetOf(source, meta, target, found)
    await abandonTarget(target, found)
  } finally {
    await target.close()
  }
}

async function openTarget(url: string): Promise<Database> {
  try {
    return await openDatabase(url, { liftTimeout: true })
  } catch (error) {
    if (!(error instanceof AnalyticsError)) throw error
    throw new AnalyticsError(error.code, `${error.message} ${RISK}`, { cause: error })
  }
}

/** @throws DATABASE_REFUSED */
function requireTargetOf(source: Database, meta: MetaRow, target: Database, found: MetaRow): void {
  const isSameMove = meta.move_id !== null && meta.move_id === found.move_id
  // a run whose process died between its first two steps is known to the target only
  const isNamed = meta.other_database === target.databaseLabel && meta.database_id === found.database_id
  if (!isSameMove && !isNamed)
    throw refused(
      `${source.databaseLabel} is not being moved to ${target.databaseLabel}, but to ${meta.other_database}. Name that one with --to.`,
    )
  if (found.state === 'arriving') return
  const moved =
    found.state === 'active'
      ? `${target.databaseLabel} has all of ${source.databaseLabel} and is active.`
      : describeState(target.databaseLabel, found)!
  throw refused(
    `${moved} There is nothing to cancel: run the same command without --cancel, or move back with --database naming the active one.`,
  )
}

function refused(message: string): AnalyticsError {
  return new AnalyticsError('DATABASE_REFUSED', message)
}
