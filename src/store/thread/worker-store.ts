import { AnalyticsError } from '../../model/errors.ts'
import type { Batch } from '../../model/batch.ts'
import type { StoredQuotas } from '../../model/quota.ts'
import type { Deprecation, RouteRegistration } from '../../model/route.ts'
import type { DatabaseFacts, UsageStore } from '../usage-store.ts'
import type { StoreOptions } from '../database-store.ts'
import { readNetworkDefaults } from '../database/postgresql/network-defaults.ts'
import { packRows } from './pack-rows.ts'
import type { ToWorker, WorkerStart } from './worker-messages.ts'
import { WorkerThread } from './worker-thread.ts'

/** A message without the number of its call. */
type Message = ToWorker extends infer M ? (M extends ToWorker ? Omit<M, 'call'> : never) : never

/**
 * The store in a worker thread. Loading a driver takes up to 100 ms, and SQLite blocks its thread for seconds when
 * another process holds the lock. Neither may block the event loop of the app.
 */
export class WorkerStore implements UsageStore {
  readonly #thread: WorkerThread
  #databaseId: string | undefined

  constructor(options: StoreOptions) {
    this.#thread = new WorkerThread({
      program: new URL('store-worker', import.meta.url),
      workerData: (): WorkerStart => ({
        options,
        databaseId: this.#databaseId,
        network: readNetworkDefaults(),
      }),
      // The caller waits for an answer, so the process must stay alive until then.
      holdsProcess: true,
      describeEnd: (cause) =>
        new AnalyticsError(
          'DATABASE_FAILED',
          'The thread that writes to the database has ended. The batch stays in its file and is tried again.',
          { cause },
        ),
    })
  }

  async connect(): Promise<DatabaseFacts> {
    const facts = await this.#thread.call<DatabaseFacts>({ run: 'connect' } satisfies Message)
    this.#databaseId = facts.databaseId
    return facts
  }

  async recordBatch(batch: Batch): Promise<'applied' | 'applied before'> {
    // A worker that replaces this one has to know the database of the batches.
    if (this.#databaseId === undefined) await this.connect()
    const { instance, sequence, bucket, bucketMinutes, countedBefore, requestCount, units } = batch
    const { sealedAt, isSealed, openSequence } = batch
    const range = { instance, sequence, bucket, bucketMinutes, countedBefore, requestCount, units }
    const head = { ...range, sealedAt, isSealed, openSequence }
    return this.#thread.call({ run: 'recordBatch', head } satisfies Message, async (send) => {
      for await (const keys of batch.keys()) await send({ keys } satisfies Message)
      for await (const rows of batch.rows()) {
        const packed = packRows(rows)
        await send({ rows: packed } satisfies Message, [packed.numbers.buffer])
      }
    })
  }

  async findKnownKeys(limit: number): Promise<string[]> {
    return this.#thread.call({ run: 'findKnownKeys', limit } satisfies Message)
  }

  async findQuotas(limit: number, now: number): Promise<StoredQuotas> {
    return this.#thread.call({ run: 'findQuotas', limit, now } satisfies Message)
  }

  async registerRoutes(registration: RouteRegistration): Promise<void> {
    return this.#thread.call({ run: 'registerRoutes', registration } satisfies Message)
  }

  async findDeprecations(limit: number): Promise<Deprecation[]> {
    return this.#thread.call({ run: 'findDeprecations', limit } satisfies Message)
  }

  async close(): Promise<void> {
    await this.#thread.finish({ run: 'close' } satisfies Message)
  }
}
