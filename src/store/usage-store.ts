import type { Batch } from '../model/batch.ts'
import type { StoredQuotas } from '../model/quota.ts'
import type { Deprecation, RouteRegistration } from '../model/route.ts'

/** What a store knows about its database. */
export interface DatabaseFacts {
  /** Random UUID of the database, made by the first migration. */
  readonly databaseId: string
  /** Its name in messages; without user and password. */
  readonly databaseLabel: string
  /** False when the database was used with another pepper: its ids would not match ours. */
  readonly pepperMatches: boolean
}

/** The only way from counting to the database. All errors are `AnalyticsError`s. */
export interface UsageStore {
  /**
   * Connects if needed, and checks the schema version and the pepper.
   * @throws DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_NOT_MIGRATED, DATABASE_TOO_NEW, DATABASE_BUSY,
   * DATABASE_MOVED
   */
  connect(): Promise<DatabaseFacts>
  /**
   * Adds one batch in one transaction. It counts exactly once, also when called again with the same (instance,
   * sequence).
   * @throws BATCH_REFUSED when the database will never accept its content, INSTANCE_COPIED when its instance counts in
   * two places; after anything else the caller may retry.
   */
  recordBatch(batch: Batch): Promise<'applied' | 'applied before'>
  /** Ids of at most `limit` keys of the database, last used first, without the reserved ones. */
  findKnownKeys(limit: number): Promise<string[]>
  /** The quotas, at most `limit`, and what was used of them in the period of `now` (epoch milliseconds). */
  findQuotas(limit: number, now: number): Promise<StoredQuotas>
  /** Notes the routes that the app has now. */
  registerRoutes(registration: RouteRegistration): Promise<void>
  /** The deprecated routes, at most `limit`. */
  findDeprecations(limit: number): Promise<Deprecation[]>
  close(): Promise<void>
}
