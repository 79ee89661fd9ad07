import { MEMORY_DATABASE } from './options/database-location.ts'
import type { CustomerQuestion } from './model/customer-usage.ts'
import type { Usage } from './model/usage.ts'
import { createAnswerQuestion } from './self-service/answer-question.ts'
import type { ReadAnswer } from './self-service/answer-question.ts'
import type { UsageStore } from './store/usage-store.ts'
import { createUsage } from './create-usage.ts'
import { DatabaseStore } from './store/database-store.ts'
import { sqliteDialect } from './store/database/sqlite/sqlite.ts'
import { migrateDatabase } from './store/database/migrate.ts'
import { openDialect } from './store/database/open-database.ts'

const LABEL = 'SQLite in memory'

/** Both sides of a database in memory. */
export interface MemoryDatabase {
  readonly store: UsageStore
  readonly usage: Usage
  readonly answer: (question: CustomerQuestion) => Promise<ReadAnswer>
}

/**
 * Creates a database in the memory of this process, for tests. Both sides share its one connection, in this thread.
 * Closing them does nothing, because counts would be lost: the memory is freed with the last reference.
 */
export async function openMemory(pepperCheck: string): Promise<MemoryDatabase> {
  const db = await openDialect(sqliteDialect(MEMORY_DATABASE, LABEL), LABEL, { create: true })
  await migrateDatabase(db)
  const shared = { ...db, close: async () => {} }
  const store = new DatabaseStore({ url: MEMORY_DATABASE, pepperCheck }, undefined, async () => shared)
  return {
    store,
    usage: createUsage(shared, shared.close),
    answer: createAnswerQuestion(async () => shared),
  }
}
