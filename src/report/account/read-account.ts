import { listLateUsage } from '../../store/read/list-late-usage.ts'
import type { LateUsage } from '../../store/read/list-late-usage.ts'
import type { Database } from '../../store/database/open-database.ts'
import { verifyUsage } from '../../store/verify/verify-usage.ts'
import type { VerifyResult } from '../../store/verify/verify-usage.ts'
import { noteMove, noteNoDataDir, readUndelivered } from '../notes/note-undelivered.ts'
import type { Undelivered } from '../notes/note-undelivered.ts'

/** Where every counted request is: the data of `verify --json`. */
export interface Account extends VerifyResult, Undelivered {
  /** True when the table balances and nothing is missing, set aside or unreadable. Undelivered counts are allowed. */
  readonly accountedFor: boolean
  readonly database: string
  readonly dataDir: string
  /** That the database moved, that a move of it is not finished, or that there is no data folder. */
  readonly notes: readonly string[]
  /** Counts that arrived after their time was pruned or rolled up; they are stored like all others. */
  readonly late: readonly LateUsage[]
}

/** Reads the account of a database and of the data folder on this machine. */
export async function readAccount(
  db: Database,
  dataDir: string,
  { histograms = false }: { histograms?: boolean } = {},
): Promise<Account> {
  // The folder first: counts that are delivered in between then appear twice at most, and are never overlooked.
  const undelivered = await readUndelivered(db, dataDir)
  const [usage, late] = [await verifyUsage(db, { histograms }), await listLateUsage(db)]
  const lost = usage.missingRequests + undelivered.setAside.length + undelivered.unreadable.length
  const lostUnits = usage.units.some(({ missing }) => missing !== 0n)
  const faults = usage.billing?.faults.length ?? 0
  const accountedFor = usage.balanced && faults === 0 && !usage.wrongHistograms && lost === 0 && !lostUnits
  const notes = [...(await noteMove(db)), ...noteNoDataDir(dataDir)]
  return { accountedFor, database: db.databaseLabel, dataDir, notes, ...usage, ...undelivered, late }
}
