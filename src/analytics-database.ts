import { MEMORY_DATABASE } from './options/database-location.ts'
import { openUsage } from './open-usage.ts'
import type { Usage } from './model/usage.ts'
import type { MemoryDatabase } from './open-memory.ts'
import { openStore } from './store/open-store.ts'
import type { CustomerQuestion } from './model/customer-usage.ts'
import type { ReadAnswer } from './self-service/answer-question.ts'
import { UsageThread } from './self-service/usage-thread.ts'
import type { UsageStore } from './store/usage-store.ts'

/** The write side and the read side of an app's database. */
export interface AnalyticsDatabase {
  readonly store: UsageStore
  readonly openUsage: () => Promise<Usage>
  /** Reads the usage of customers for `apiKeyUsage`; opens nothing before the first question. */
  readonly customers: CustomerReader
}

/** Answers the questions of customers. */
export interface CustomerReader {
  answer(question: CustomerQuestion): Promise<ReadAnswer>
  close(): Promise<void>
}

/** Opens nothing yet, and loads no database driver: importing one takes most of a second. */
export function createAnalyticsDatabase(url: string, pepperCheck: string): AnalyticsDatabase {
  if (url !== MEMORY_DATABASE)
    return {
      store: openStore({ url, pepperCheck }),
      openUsage: () => openUsage(url),
      customers: new UsageThread(url),
    }
  let opened: Promise<MemoryDatabase> | undefined
  const open = () => (opened ??= import('./open-memory.ts').then((memory) => memory.openMemory(pepperCheck)))
  return {
    store: openLater(async () => (await open()).store),
    openUsage: async () => (await open()).usage,
    customers: {
      answer: async (question) => (await open()).answer(question),
      close: async () => {},
    },
  }
}

/** A store that its first call opens. Closing it does nothing: what it stores lies only in memory. */
function openLater(open: () => Promise<UsageStore>): UsageStore {
  return {
    connect: async () => (await open()).connect(),
    recordBatch: async (batch) => (await open()).recordBatch(batch),
    findKnownKeys: async (limit) => (await open()).findKnownKeys(limit),
    findQuotas: async (limit, now) => (await open()).findQuotas(limit, now),
    registerRoutes: async (registration) => (await open()).registerRoutes(registration),
    findDeprecations: async (limit) => (await open()).findDeprecations(limit),
    close: async () => {},
  }
}
