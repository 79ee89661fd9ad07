import type { SqlMikroORM } from '@mikro-orm/sqlite'
import { locateDatabase } from '../database-location.ts'
import type {
  KeyIdentity,
  KeyOwner,
  KeyRecord,
  StoredUsageRow,
  StreamQuery,
  UsageQuery,
  UsageRow,
} from '../usage.ts'
import { findKeys } from './find-keys.ts'
import { findUsage } from './find-usage.ts'
import { findOwners } from './key-owners.ts'
import { getMostAccessedEndpoints } from './most-accessed-endpoints.ts'
import type { MostAccessedOptions } from './most-accessed-endpoints.ts'
import { openDatabase } from './open-database.ts'
import { requireSchema } from './require-schema.ts'
import { streamUsage } from './stream-usage.ts'

/** The read side of a database of usage. Nothing here writes. */
export interface Usage {
  /** Usage summed up by any combination of dimensions. */
  findUsage(query: UsageQuery): Promise<UsageRow[]>
  /** The stored rows in pages, always in the same order; memory stays constant. */
  streamUsage(query?: StreamQuery): AsyncIterable<readonly StoredUsageRow[]>
  /** The endpoints of one key (its id or record), most used first. */
  getMostAccessedEndpoints(
    key: string | Pick<KeyIdentity, 'id'>,
    options?: MostAccessedOptions,
  ): Promise<UsageRow[]>
  /** The keys with this name, label or id, else those whose label or id begins with it. */
  findKeys(text: string): Promise<KeyRecord[]>
  /** Who owned a key (its id or record) when, oldest first. */
  findOwners(key: string | Pick<KeyIdentity, 'id'>): Promise<KeyOwner[]>
  /** MikroORM with the exported entities, for queries of one's own. */
  readonly orm: SqlMikroORM
  close(): Promise<void>
}

/**
 * Opens an existing, migrated database for reading: a URL, by default where the app has its own (`DATABASE_URL`, else
 * the embedded file).
 * @throws OPTION_INVALID, DATABASE_NOT_FOUND, DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_NOT_MIGRATED, DATABASE_TOO_NEW
 */
export async function openUsage(url?: string): Promise<Usage> {
  const db = await openDatabase(locateDatabase({ database: url }).database)
  try {
    await requireSchema(db)
  } catch (error) {
    await db.close()
    throw error
  }
  return {
    findUsage: (query) => findUsage(db, query),
    streamUsage: (query) => streamUsage(db, query),
    getMostAccessedEndpoints: (key, options) => getMostAccessedEndpoints(db, key, options),
    findKeys: (text) => findKeys(db, text),
    findOwners: (key) => findOwners(db, typeof key === 'string' ? key : key.id),
    orm: db.orm,
    close: () => db.close(),
  }
}
