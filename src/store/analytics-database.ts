import { MEMORY_DATABASE } from '../options/database-location.ts'
import { openUsage } from '../open-usage.ts'
import type { Usage } from '../model/usage.ts'
import type { UsageStore } from './usage-store.ts'

/** The write side and the read side of an app's database. */
export interface AnalyticsDatabase {
  readonly store: UsageStore
  readonly openUsage: () => Promise<Usage>
}

/**
 * Opens nothing yet. The code that opens a database is imported on first use, because the import takes most of a
 * second.
 */
export function createAnalyticsDatabase(url: string, pepperCheck: string): AnalyticsDatabase {
  if (url === MEMORY_DATABASE) {
    const open = once(async () => (await import('./open-memory.ts')).openMemory(pepperCheck))
    return {
      store: createLazyStore(async () => (await open()).store),
      openUsage: async () => (await open()).usage,
    }
  }
  const openStore = async () => (await import('./open-store.ts')).openStore({ url, pepperCheck })
  return { store: createLazyStore(openStore), openUsage: () => openUsage(url) }
}

function createLazyStore(open: () => Promise<UsageStore>): UsageStore {
  let opened: Promise<UsageStore> | undefined
  const use = () => (opened ??= open())
  return {
    connect: async () => (await use()).connect(),
    recordBatch: async (batch) => (await use()).recordBatch(batch),
    findKnownKeys: async (limit) => (await use()).findKnownKeys(limit),
    close: async () => (await opened)?.close(),
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
