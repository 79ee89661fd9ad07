import { AnalyticsError } from '../model/errors.ts'
import type { MetaRow } from '../store/database/read-meta.ts'
import { describeState } from '../store/database/require-active.ts'

/** One side of a move: the name of a database, and what it knows about itself. */
export interface MoveSide {
  readonly databaseLabel: string
  readonly meta: MetaRow
}

/**
 * What is left to do. `copy`: all of it. `finish`: the target is active already, and the source does not know it.
 * `nothing`: both know it.
 */
export type MovePlan = 'copy' | 'finish' | 'nothing'

/**
 * Decides what a run of `move` has to do after those before it.
 * @throws DATABASE_REFUSED when these two databases cannot be moved into each other, with the reason
 */
export function planMove(source: MoveSide, target: MoveSide): MovePlan {
  requireDifferent(source, target)
  const isDone = isSameHome(source, target) && target.meta.state === 'active' && isSameMove(source, target)
  if (source.meta.state === 'moved' && isDone) return 'nothing'
  if (source.meta.state === 'leaving' && isDone) return 'finish'
  requireSource(source, target)
  requireTarget(source, target)
  return 'copy'
}

const isSameHome = (a: MoveSide, b: MoveSide): boolean => a.meta.database_id === b.meta.database_id

/** Whether the last run of `move` was the same on both sides. */
const isSameMove = (a: MoveSide, b: MoveSide): boolean =>
  a.meta.move_id !== null && a.meta.move_id === b.meta.move_id

/** The same database may have several names; it is recognised by its id and its state. */
function requireDifferent(source: MoveSide, target: MoveSide): void {
  if (!isSameHome(source, target) || source.meta.state !== target.meta.state) return
  const isFormer = source.meta.state === 'moved'
  throw refused(
    isFormer
      ? `${describeState(source.databaseLabel, source.meta)} Name that one with --database.`
      : `${source.databaseLabel} and ${target.databaseLabel} are the same database, or one is a copy of the other. Name another database with --to.`,
  )
}

function requireSource(source: MoveSide, target: MoveSide): void {
  const { state, other_database: other } = source.meta
  if (state === 'active') return
  if (state === 'leaving') {
    // another name of the same target is fine, and so is another run whose process died between its first two steps
    if (isSameMove(source, target) || other === target.databaseLabel) return
    throw refused(
      `${describeState(source.databaseLabel, source.meta)} Run "apikey-analytics move" with that database as --to again, or end it with --cancel.`,
    )
  }
  const remedy =
    state === 'moved'
      ? 'Name that one with --database.'
      : 'Run the move that fills it again, with the other database as --database.'
  throw refused(`${describeState(source.databaseLabel, source.meta)} ${remedy}`)
}

function requireTarget(source: MoveSide, target: MoveSide): void {
  const { state } = target.meta
  // whether an active one is empty is checked when nobody can write to it
  if (state === 'active' && !isSameHome(source, target)) return
  if ((state === 'arriving' || state === 'moved') && isSameHome(source, target)) return
  if (state === 'active')
    throw refused(
      `${target.databaseLabel} is an active copy of ${source.databaseLabel}, and not the one that this move filled. Name another database with --to.`,
    )
  throw refused(
    `${describeState(target.databaseLabel, target.meta)} That has nothing to do with ${source.databaseLabel}: name another database with --to.`,
  )
}

function refused(message: string): AnalyticsError {
  return new AnalyticsError('DATABASE_REFUSED', message)
}
