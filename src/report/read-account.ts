import { listLateUsage } from '../store/read/list-late-usage.ts'
import type { LateUsage } from '../store/read/list-late-usage.ts'
import type { Database } from '../store/database/open-database.ts'
import { verifyUsage } from '../store/verify/verify-usage.ts'
import type { VerifyResult } from '../store/verify/verify-usage.ts'
import { readUndelivered } from './note-undelivered.ts'
import type { Undelivered } from './note-undelivered.ts'

/** Where every counted request is: what `verify --json` gives. */
export interface Account extends VerifyResult, Undelivered {
  /** True when the table balances, nothing is missing, set aside or unreadable; undelivered counts are known ones. */
  readonly accountedFor: boolean
  readonly database: string
  readonly dataDir: string
  /** Counts that came after their time had been pruned or rolled up; they are stored like all others. */
  readonly late: readonly LateUsage[]
}

/** Reads the account of a database and of the data folder on this machine. */
export async function readAccount(
  db: Database,
  dataDir: string,
  { histograms = false }: { histograms?: boolean } = {},
): Promise<Account> {
  // The folder first: what is delivered in between is then counted twice at most, and never overlooked.
  const undelivered = await readUndelivered(db, dataDir)
  const [usage, late] = [await verifyUsage(db, { histograms }), await listLateUsage(db)]
  const lost = usage.missingRequests + undelivered.setAside.length + undelivered.unreadable.length
  const accountedFor = usage.balanced && !usage.wrongHistograms && lost === 0
  return { accountedFor, database: db.databaseLabel, dataDir, ...usage, ...undelivered, late }
}
