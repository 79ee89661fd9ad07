import { NO_QUOTAS } from '../../../src/model/quota.ts'
import { AnalyticsError } from '../../../src/model/errors.ts'
import { TEST_TARGET } from './counting-process.ts'
import type { Batch, BatchRow } from '../../../src/model/batch.ts'
import type { KeyIdentity } from '../../../src/model/key.ts'
import type { UsageStore } from '../../../src/store/usage-store.ts'
import { readRows } from '../databases/read-rows.ts'

/** One batch as it arrived. */
export interface KeptBatch extends Pick<
  Batch,
  'instance' | 'sequence' | 'bucket' | 'countedBefore' | 'requestCount'
> {
  readonly keys: readonly KeyIdentity[]
  readonly rows: readonly BatchRow[]
}

/** A store that keeps what it is given, each batch once, as the ledger does. */
export interface KeepingStore extends UsageStore {
  readonly batches: readonly KeptBatch[]
  /** True: it cannot be reached. */
  refuse: boolean
  /** True: the connection is lost with each batch. */
  loseBatches: boolean
  databaseId: string
  rows(): BatchRow[]
  requests(): number
  requestsByBucket(): Record<number, number>
  /** True when no instance shows a gap. */
  isConsecutive(): boolean
}

export function keepingStore(): KeepingStore {
  const batches: KeptBatch[] = []
  const rows = () => batches.flatMap((batch) => batch.rows)
  const sum = (some: readonly BatchRow[]) => some.reduce((total, { requestCount }) => total + requestCount, 0)
  const store: KeepingStore = {
    batches,
    refuse: false,
    loseBatches: false,
    databaseId: '00000000-0000-4000-8000-000000000000',
    rows,
    requests: () => sum(rows()),
    requestsByBucket: () =>
      Object.fromEntries(
        [...Map.groupBy(batches, ({ bucket }) => bucket)].map(([bucket, some]) => [
          bucket,
          sum(some.flatMap((batch) => batch.rows)),
        ]),
      ),
    isConsecutive: () =>
      batches.every((batch, index) => {
        const before = batches.slice(0, index).findLast(({ instance }) => instance === batch.instance)
        const { sequence, countedBefore, requestCount } = before ?? {
          sequence: 0,
          countedBefore: 0,
          requestCount: 0,
        }
        return batch.sequence === sequence + 1 && batch.countedBefore === countedBefore + requestCount
      }),
    async connect() {
      if (store.refuse) throw new AnalyticsError('DATABASE_UNREACHABLE', 'The database is away.')
      return {
        databaseId: store.databaseId,
        pepperMatches: true,
        databaseLabel: TEST_TARGET,
      }
    },
    async recordBatch(batch) {
      await store.connect()
      if (store.loseBatches) throw new AnalyticsError('DATABASE_UNREACHABLE', 'The wire was cut.')
      const { instance, sequence, bucket, countedBefore, requestCount } = batch
      if (batches.some((kept) => kept.instance === instance && kept.sequence >= sequence))
        return 'applied before'
      const keys = (await Array.fromAsync(batch.keys())).flat()
      const rows = await readRows(batch)
      batches.push({ instance, sequence, bucket, countedBefore, requestCount, keys, rows })
      return 'applied'
    },
    findKnownKeys: async () => [],
    findQuotas: async () => NO_QUOTAS,
    registerRoutes: async () => {},
    findDeprecations: async () => [],
    close: async () => {},
  }
  return store
}
