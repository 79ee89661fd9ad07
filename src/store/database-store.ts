import { AnalyticsError } from '../model/errors.ts'
import type { Batch } from '../model/batch.ts'
import type { DatabaseFacts, UsageStore } from './usage-store.ts'
import { OTHER_KEY, REJECTED_KEY } from '../model/key.ts'
import type { StoredQuotas } from '../model/quota.ts'
import type { Deprecation, RouteRegistration } from '../model/route.ts'
import { migrateDatabase, openToMigrate } from './database/migrate.ts'
import type { OpenOptions } from './database/dialect.ts'
import type { Database } from './database/open-database.ts'
import { readStoredQuotas } from './quotas/read-stored-quotas.ts'
import { findDeprecations } from './routes/find-routes.ts'
import { NotedCalls } from './routes/noted-calls.ts'
import { registerRoutes } from './routes/register-routes.ts'
import { recordBatch } from './write/record-batch.ts'
import { requireSchema } from './database/require-schema.ts'
import { readFacts } from './write/read-facts.ts'
import { TouchedKeys } from './write/touched-keys.ts'

export interface StoreOptions {
  readonly url: string
  /** HMAC of a constant with the pepper; empty without a pepper. */
  readonly pepperCheck: string
  /** Time limits other than the defaults. */
  readonly limits?: Pick<OpenOptions, 'longestSilenceMs' | 'lockWaitMs'>
}

/** Longest wait for an answer; after it the connection counts as lost. */
const STATEMENT_TIMEOUT_MS = 30_000

const KNOWN_KEYS = `
select id
from api_key_analytics_keys
where id not in ($2, $3)
order by last_used_at desc, id
limit $1`

/** The store that runs in the thread that calls it. */
export class DatabaseStore implements UsageStore {
  readonly #options: StoreOptions
  readonly #openDatabase: () => Promise<Database>
  readonly #touched = new TouchedKeys()
  readonly #noted = new NotedCalls()
  #opening: Promise<Database> | undefined
  #opened: Database | undefined
  readonly #uses = new Set<Promise<unknown>>()
  /** Id of the database that batches go to, from the last `connect`. */
  #databaseId: string | undefined

  /** Pass `open` when the database is open already. */
  constructor(options: StoreOptions, databaseId?: string, open = () => openForWriting(options)) {
    this.#options = options
    this.#databaseId = databaseId
    this.#openDatabase = open
  }

  async connect(): Promise<DatabaseFacts> {
    return this.#use(async (db) => {
      await requireSchema(db)
      const facts = await readFacts(db, this.#options.pepperCheck)
      this.#databaseId = facts.databaseId
      return facts
    })
  }

  async recordBatch(batch: Batch): Promise<'applied' | 'applied before'> {
    const databaseId = this.#databaseId ?? (await this.connect()).databaseId
    return this.#use((db) =>
      recordBatch(db, batch, { databaseId, touched: this.#touched, noted: this.#noted }),
    )
  }

  async findKnownKeys(limit: number): Promise<string[]> {
    return this.#use(async (db) => {
      const rows = await db.query<{ id: string }>(KNOWN_KEYS, [limit, OTHER_KEY.id, REJECTED_KEY.id])
      return rows.map(({ id }) => id)
    })
  }

  async findQuotas(limit: number, now: number): Promise<StoredQuotas> {
    return this.#use((db) => readStoredQuotas(db, limit, now))
  }

  async registerRoutes(registration: RouteRegistration): Promise<void> {
    await this.#use((db) => registerRoutes(db, registration))
    this.#noted.forget()
  }

  async findDeprecations(limit: number): Promise<Deprecation[]> {
    return this.#use((db) => findDeprecations(db, db.dialect, limit))
  }

  async close(): Promise<void> {
    // Wait first: a pool that ends gives no connection to callers that still wait for one.
    await Promise.allSettled(this.#uses)
    await this.#closeDatabase()
  }

  async #closeDatabase(): Promise<void> {
    const opening = this.#opening
    this.#opening = this.#opened = undefined
    // Ignored: an opening that failed left nothing to close.
    const db = await opening?.catch(() => {})
    await db?.close()
  }

  #use<T>(run: (db: Database) => Promise<T>): Promise<T> {
    const use = this.#useOpened(run).finally(() => this.#uses.delete(use))
    this.#uses.add(use)
    return use
  }

  async #useOpened<T>(run: (db: Database) => Promise<T>): Promise<T> {
    const db = await this.#open()
    try {
      const result = await run(db)
      if (db.isCurrent()) return result
      throw new AnalyticsError(
        'DATABASE_CHANGED',
        `${db.databaseLabel} was deleted or replaced while it was in use.`,
      )
    } catch (error) {
      // Opening again may fix a fault of the open file. It also finds the new primary when the old server became a
      // standby.
      const reopen = ['DATABASE_FAILED', 'DATABASE_REFUSED']
      if (error instanceof AnalyticsError && reopen.includes(error.code)) await this.#closeDatabase()
      throw error
    }
  }

  async #open(): Promise<Database> {
    // A deleted or replaced file stays open. Only opening the path again finds the new file.
    if (this.#opened && !this.#opened.isCurrent()) await this.#closeDatabase()
    this.#opening ??= this.#openDatabase()
    try {
      this.#opened = await this.#opening
      return this.#opened
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }
}

/** A writer migrates an embedded file itself. A server is migrated by its administrator. */
async function openForWriting({ url, limits }: StoreOptions): Promise<Database> {
  const db = await openToMigrate(url, {
    ...limits,
    maxConnections: 2,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  try {
    if (db.dialect.kind === 'sqlite') await migrateDatabase(db)
    return db
  } catch (error) {
    await db.close()
    throw error
  }
}
