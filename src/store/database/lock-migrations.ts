import { setTimeout as sleep } from 'node:timers/promises'
import { AnalyticsError } from '../../model/errors.ts'
import type { Statements } from './dialect.ts'
import type { Database } from './open-database.ts'

/** How to wait for another process that migrates. */
export interface MigrationWait {
  /** Called once, after a short wait, with a description of the lock's holder. */
  readonly onWait?: (message: string) => void
  /** Default: 60 seconds. */
  readonly longestMs?: number
}

/** Longer than migrating empty tables takes, and short enough for a person who waits. */
const SAY_AFTER_MS = 2000
const LONGEST_MS = 60_000
const POLL_MS = 200
/** Longest wait of a statement for a table: until it has the table, all later statements wait behind it. */
const LOCK_TIMEOUT_MS = 30_000

/**
 * Makes sure that only one process migrates until the transaction ends. Polls instead of waiting inside the server, so
 * that it can report what it waits for.
 * @throws DATABASE_BUSY when it takes too long
 */
export async function lockMigrations(
  tx: Statements,
  { dialect, databaseLabel }: Database,
  { onWait, longestMs = LONGEST_MS }: MigrationWait = {},
): Promise<void> {
  const { migrationLock } = dialect
  if (!migrationLock) return
  await tx.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
  const start = performance.now()
  let said = false
  for (;;) {
    const [lock] = await tx.query<{ taken: boolean }>(migrationLock.take)
    if (lock?.taken) return
    const waitedMs = performance.now() - start
    const waitsFor = async () => {
      const [holder] = await tx.query<{ pid: number }>(migrationLock.holder)
      return `another process that migrates ${databaseLabel}${holder ? ` (process ${holder.pid} of the server)` : ''}`
    }
    if (waitedMs > longestMs) {
      throw new AnalyticsError(
        'DATABASE_BUSY',
        `Gave up waiting for ${await waitsFor()}. Run it again when that is over, or end it: select pg_terminate_backend(…).`,
      )
    }
    if (!said && waitedMs > SAY_AFTER_MS) {
      said = true
      onWait?.(`Waiting for ${await waitsFor()}, for ${longestMs / 1000} seconds at most.`)
    }
    await sleep(POLL_MS)
  }
}
