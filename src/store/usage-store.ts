import type { Batch } from '../model/batch.ts'

/** What a store says of the database behind it. */
export interface DatabaseFacts {
  /** Random UUID of the database, made by the first migration. */
  readonly databaseId: string
  /** How messages name it; without user and password. */
  readonly databaseLabel: string
  /** False when the database was used with another pepper: its ids would not match ours. */
  readonly pepperMatches: boolean
}

/** The only door from counting to the database. Errors are `AnalyticsError`s. */
export interface UsageStore {
  /**
   * Connects if need be, checks the schema version and the pepper.
   * @throws DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_NOT_MIGRATED, DATABASE_TOO_NEW, DATABASE_BUSY
   */
  connect(): Promise<DatabaseFacts>
  /**
   * Adds one batch in one transaction, exactly once however often it is called with the same (instance, sequence).
   * @throws BATCH_REFUSED when the database refuses its content for good, INSTANCE_COPIED when its instance counts in
   * two places; anything else may be retried.
   */
  recordBatch(batch: Batch): Promise<'applied' | 'applied before'>
  /** Ids of at most `limit` keys of the database, last used first, without the reserved ones. */
  findKnownKeys(limit: number): Promise<string[]>
  close(): Promise<void>
}
