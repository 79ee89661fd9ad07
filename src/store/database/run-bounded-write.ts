import { setTimeout as sleep } from 'node:timers/promises'
import { AnalyticsError } from '../../model/errors.ts'
import type { Statements } from './dialect.ts'
import type { Database } from './open-database.ts'

/** A lost lock is won sooner or later; what loses this often in a row is not a matter of chance. */
const TRIES = 10

/**
 * Runs one bounded write transaction of a long work among other writers: again when it lost a lock, and on SQLite it
 * then leaves the one write lock free for as long as it held it, or writers that wait for it would starve.
 */
export async function runBoundedWrite<T>(db: Database, run: (tx: Statements) => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await tryAgain(() => db.transaction(run, 'turn'))
  if (db.dialect.kind === 'sqlite') await sleep(performance.now() - start)
  return result
}

async function tryAgain<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const busy = error instanceof AnalyticsError && error.code === 'DATABASE_BUSY'
      if (!busy || attempt === TRIES) throw error
    }
  }
}
