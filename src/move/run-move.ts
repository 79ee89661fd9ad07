import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { faultPoint } from '../model/fault-point.ts'
import { rememberDatabase } from '../buffer/folder/known-databases.ts'
import { AnalyticsError } from '../model/errors.ts'
import { countOf, formatCount } from '../terminal/format-number.ts'
import { keepYoungSpaceSmall } from '../store/read/keep-young-space-small.ts'
import type { MigrationWait } from '../store/database/lock-migrations.ts'
import { migrate } from '../store/database/migrate.ts'
import { openDatabase } from '../store/database/open-database.ts'
import type { Database } from '../store/database/open-database.ts'
import { readMeta } from '../store/database/read-meta.ts'
import { activateTarget, claimTarget, finishSource, freezeSource } from '../store/move/change-state.ts'
import {
  copyTables,
  countRows,
  digestTables,
  emptyTarget,
  requireReadable,
} from '../store/move/copy-tables.ts'
import type { TableDigest } from '../store/move/table-digest.ts'
import { verifyUsage } from '../store/verify/verify-usage.ts'
import { planMove } from './plan-move.ts'
import type { MovePlan } from './plan-move.ts'

/** What a run of `move` is given besides its databases. */
export interface MoveOptions {
  readonly signal: AbortSignal
  /** Its counter files may name the source: the target will recognise them, see `rememberDatabase`. */
  readonly dataDir?: string
  /** The step that begins, for people; `rows`: its progress is reported. */
  readonly onStep?: (step: string, rows?: 'rows') => Promise<void>
  /** The rows read so far, of all tables together, in the step that goes on; `done` from 0 to 1. */
  readonly onProgress?: (done: number, rows: number) => void
  readonly wait?: MigrationWait
}

/** What a run of `move` did: the data of `move --json`. */
export interface Moved {
  readonly from: string
  readonly to: string
  /** `finish` and `nothing`: an earlier run had copied all. */
  readonly done: MovePlan
  /** Rows by table; none unless this run copied them. */
  readonly tables: Readonly<Record<string, number>>
}

/**
 * Moves all that a database has to another one, which becomes the active one. May be killed at any point and run again:
 * at every moment at most one of both accepts writes, and it has all that was ever delivered.
 * @throws DATABASE_REFUSED for databases that cannot be moved into each other; DATABASE_CHANGED when another run takes
 * over; DATABASE_FAILED when the copy differs, or after an interruption
 */
export async function runMove(source: Database, targetUrl: string, options: MoveOptions): Promise<Moved> {
  const target = await openTarget(targetUrl, options)
  try {
    return await moveTo(source, target, options)
  } catch (error) {
    throw options.signal.aborted ? interrupted(source, error) : error
  } finally {
    await target.close()
  }
}

async function openTarget(url: string, { wait }: MoveOptions): Promise<Database> {
  await migrate(url, wait)
  return openDatabase(url, { liftTimeout: true })
}

async function moveTo(source: Database, target: Database, options: MoveOptions): Promise<Moved> {
  const { onStep } = options
  const [from, to] = [source.databaseLabel, target.databaseLabel]
  const metas = { source: await readMeta(source), target: await readMeta(target) }
  const done = planMove(
    { databaseLabel: from, meta: metas.source },
    { databaseLabel: to, meta: metas.target },
  )
  if (done === 'nothing') return { from, to, done, tables: {} }
  if (done === 'finish') {
    await finishSource(source, to, metas.source.move_id!)
    return { from, to, done, tables: {} }
  }
  await requireReadable(source)
  const moveId = randomUUID()
  const facts = { databaseId: metas.source.database_id, databaseLabel: from }
  if (options.dataDir !== undefined) rememberDatabase(facts, options.dataDir)
  await claimTarget(target, facts, { moveId, expected: metas.target })
  faultPoint('target claimed')
  await onStep?.(`${from} accepts no changes from now on. The app goes on counting in its counter files.`)
  await freezeSource(source, to, { moveId, expected: metas.source })
  faultPoint('source frozen')
  await emptyTarget(target, moveId)
  faultPoint('target emptied')
  const copied = await copyAndCompare(source, target, moveId, options)
  faultPoint('copy compared')
  options.signal.throwIfAborted()
  requireCurrent(target)
  await activateTarget(target, source, moveId)
  faultPoint('target activated')
  requireCurrent(target)
  await finishSource(source, to, moveId)
  faultPoint('source finished')
  const tables = Object.fromEntries([...copied].map(([name, { rows }]) => [name, rows]))
  return { from, to, done, tables }
}

async function copyAndCompare(
  source: Database,
  target: Database,
  moveId: string,
  { signal, onStep, onProgress }: MoveOptions,
): Promise<Map<string, TableDigest>> {
  keepYoungSpaceSmall()
  const counts = await countRows(source)
  const total = [...counts.values()].reduce((sum, rows) => sum + rows, 0)
  const progress = (rows: number) => onProgress?.(total === 0 ? 1 : Math.min(1, rows / total), rows)
  await onStep?.(`Copies ${countOf(total, 'row')} to ${target.databaseLabel}.`, 'rows')
  const copied = await copyTables(source, target, { moveId, onProgress: progress, signal })
  await onStep?.(`Compares them with those of ${source.databaseLabel}.`, 'rows')
  const arrived = await digestTables(target, { onProgress: progress, signal })
  for (const [name, sent] of copied) {
    const { rows, sum } = arrived.get(name)!
    // counted too: a row that was overlooked when it was read is in neither digest
    if (rows === sent.rows && rows === counts.get(name) && sum === sent.sum) continue
    throw differs(
      source,
      target,
      `${name} has ${countOf(counts.get(name)!, 'row')} there and ${formatCount(rows)} here, or other values`,
    )
  }
  // the rows are the same, and the accounts over them must be, as each database computes them
  if (!isDeepStrictEqual(await verifyUsage(source), await verifyUsage(target)))
    throw differs(source, target, 'the sums of "apikey-analytics verify" are different')
  return copied
}

function differs({ databaseLabel }: Database, target: Database, how: string): AnalyticsError {
  return new AnalyticsError(
    'DATABASE_FAILED',
    `The copy in ${target.databaseLabel} is not what ${databaseLabel} has: ${how}. Was it changed by hand meanwhile? Run the move again, or end it with --cancel.`,
  )
}

/** A file that was deleted or replaced takes writes that nobody will ever read. */
function requireCurrent(target: Database): void {
  if (target.isCurrent()) return
  throw new AnalyticsError(
    'DATABASE_CHANGED',
    `${target.databaseLabel} was deleted or replaced while it was filled. Run the move again.`,
  )
}

function interrupted({ databaseLabel }: Database, cause: unknown): AnalyticsError {
  return new AnalyticsError(
    'DATABASE_FAILED',
    `Interrupted. ${databaseLabel} accepts no changes until the move is run again, or ended with --cancel.`,
    { cause },
  )
}
