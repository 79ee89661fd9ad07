import { findHistoryStart } from '../../store/read/find-history-start.ts'
import { findStraddlingRows } from '../../store/read/find-straddling-rows.ts'
import { findUsage } from '../../store/read/find-usage.ts'
import type { Database } from '../../store/database/open-database.ts'
import type { UsageSource } from './build-report.ts'

/** Reads reports from a database, each statement at its own moment. */
export function usageSourceOf(db: Database): UsageSource {
  return {
    findUsage: (query) => findUsage(db, query),
    findStraddlingRows: (query) => findStraddlingRows(db, query),
    findHistoryStart: (unit) => findHistoryStart(db, unit),
  }
}

/** Runs on one state of a database: flushes and prunes go on, and all numbers of a report still agree. */
export function atOneMoment<T>(
  db: Database,
  run: (source: UsageSource, snapshot: Database) => Promise<T>,
): Promise<T> {
  return db.transaction((tx) => {
    const snapshot = { ...db, ...tx }
    return run(usageSourceOf(snapshot), snapshot)
  }, 'snapshot')
}
