import { AnalyticsError } from '../../model/errors.ts'
import type { ClosedStatement } from '../../model/closing.ts'
import { readUndelivered } from '../../report/notes/note-undelivered.ts'
import { readEntries } from '../../store/billing/chain.ts'
import { lockStatements } from '../../store/billing/lock-statements.ts'
import type { Database } from '../../store/database/open-database.ts'
import { requireActive } from '../../store/database/require-active.ts'
import { HOLD_WRITERS } from '../../store/database/usage-tables.ts'
import type { CloseOrder } from './close-order.ts'
import { examineClosing } from './examine-closing.ts'
import type { ClosingFindings } from './examine-closing.ts'
import { writeStatement } from './write-statement.ts'

/**
 * Closes a period: writes its statement, with the corrections of earlier periods, in one transaction that sees one
 * state of the database. Flushes go on meanwhile; what they add comes with the next statement.
 * @throws CLOSE_REFUSED with every reason and its remedy
 */
export async function closePeriod(
  db: Database,
  dataDir: string,
  order: CloseOrder,
): Promise<ClosedStatement> {
  // outside of the transaction, because it reads files
  const waiting = await readUndelivered(db, dataDir)
  let made: ClosedStatement | undefined
  try {
    await db.transaction(
      async (tx) => {
        await lockStatements(tx, db, 'close')
        // Citus has no state of all its servers, so writers wait there
        if (db.distributed) await tx.query(HOLD_WRITERS)
        await requireActive(tx, db)
        const within = { ...db, ...tx }
        const findings = await examineClosing(within, order, waiting, dataDir)
        if (findings.refusals.length > 0 && (!order.dryRun || findings.isClosed))
          throw refused(order, findings)
        made = await writeStatement(within, order, findings)
        if (order.dryRun) throw new DryRun()
      },
      db.distributed ? 'write' : 'close',
    )
  } catch (error) {
    if (error instanceof DryRun) return { ...made!, stored: false }
    // A connection that was cut around COMMIT says nothing about the outcome.
    const isUnknown = made && error instanceof AnalyticsError && error.code === 'DATABASE_UNREACHABLE'
    if (!isUnknown || !(await isStored(db, made!))) throw error
  }
  return made!
}

/** Ends the transaction of a dry run without storing anything. */
class DryRun extends Error {}

async function isStored(db: Database, { statement, hash }: ClosedStatement): Promise<boolean> {
  const [entry] = await readEntries(db, statement.number)
  return entry?.hash === hash
}

function refused({ period }: CloseOrder, { refusals }: ClosingFindings): AnalyticsError {
  const [first, ...more] = refusals
  const text =
    more.length === 0 ? first : refusals.map((reason, index) => `(${index + 1}) ${reason}`).join(' ')
  return new AnalyticsError('CLOSE_REFUSED', `${period.label} (${period.timeZone}) is not closed: ${text}`)
}
