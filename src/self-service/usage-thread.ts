import { AnalyticsError } from '../model/errors.ts'
import type { CustomerQuestion } from '../model/customer-usage.ts'
import { readNetworkDefaults } from '../store/database/postgresql/network-defaults.ts'
import type { NetworkDefaults } from '../store/database/postgresql/network-defaults.ts'
import { WorkerThread } from '../store/thread/worker-thread.ts'
import type { ReadAnswer } from './answer-question.ts'

/** The start data of the worker. */
export interface UsageWorkerStart {
  /** URL of the database. */
  readonly url: string
  readonly network: NetworkDefaults
}

/**
 * Reads the usage of customers in a thread: SQLite blocks its thread while it reads. Not the thread that writes: a flush
 * must not wait for a customer.
 */
export class UsageThread {
  readonly #thread: WorkerThread

  constructor(url: string) {
    this.#thread = new WorkerThread({
      program: new URL('usage-worker', import.meta.url),
      workerData: (): UsageWorkerStart => ({ url, network: readNetworkDefaults() }),
      holdsProcess: false,
      describeEnd: (cause) =>
        new AnalyticsError('DATABASE_FAILED', 'The thread that reads the usage of customers has ended.', {
          cause,
        }),
    })
  }

  answer(question: CustomerQuestion): Promise<ReadAnswer> {
    return this.#thread.call({ question })
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }
}
