/** Moves, or cancels a move, as the command does, and is killed at a moment if there is one. */
import { cancelMove } from '../../../../src/move/cancel-move.ts'
import { runMove } from '../../../../src/move/run-move.ts'
import { openDatabase } from '../../../../src/store/database/open-database.ts'
import { dieAt } from '../die-at.ts'
import type { Moment } from '../die-at.ts'

export interface MoveOrder {
  readonly from: string
  readonly to: string
  readonly cancel?: boolean
  readonly moment?: Moment
}

const { from, to, cancel = false, moment } = JSON.parse(process.argv[2]!) as MoveOrder
if (moment) dieAt(moment)
const source = await openDatabase(from, { liftTimeout: true })
try {
  if (cancel) await cancelMove(source, to, { force: false })
  else await runMove(source, to, { signal: new AbortController().signal })
} finally {
  await source.close()
}
