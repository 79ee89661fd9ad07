import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { AnalyticsError } from '../../model/errors.ts'
import type { Batch } from '../../model/batch.ts'
import type { DatabaseFacts, UsageStore } from '../usage-store.ts'
import type { StoreOptions } from '../database-store.ts'
import { readNetworkDefaults } from '../database/postgresql/network-defaults.ts'
import { packRows } from './pack-rows.ts'
import { unpackError } from './sent-error.ts'
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts'

interface Call {
  readonly answer: Promise<unknown>
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** A message without the number of its call. */
type Message = ToWorker extends infer M ? (M extends ToWorker ? Omit<M, 'call'> : never) : never

/** Sends a part and then lets others have the event loop. What is in `transfer` is of no use here after it. */
type SendPart = (part: Message, transfer?: ArrayBuffer[]) => Promise<void>

/**
 * The store in a worker thread. Importing MikroORM takes some 300 ms, and SQLite blocks its thread, for seconds when
 * another process holds the lock: neither may hold the event loop of the app.
 */
export class WorkerStore implements UsageStore {
  readonly #options: StoreOptions
  readonly #calls = new Map<number, Call>()
  #worker: Worker | undefined
  #lastCall = 0
  #databaseId: string | undefined

  constructor(options: StoreOptions) {
    this.#options = options
  }

  async connect(): Promise<DatabaseFacts> {
    const facts = await this.#call<DatabaseFacts>({ run: 'connect' })
    this.#databaseId = facts.databaseId
    return facts
  }

  async recordBatch(batch: Batch): Promise<'applied' | 'applied before'> {
    // a worker that takes the place of this one has to know which database the batches are for
    if (this.#databaseId === undefined) await this.connect()
    const { instance, sequence, bucket, bucketMinutes, countedBefore, requestCount } = batch
    const { sealedAt, isSealed, openSequence } = batch
    const range = { instance, sequence, bucket, bucketMinutes, countedBefore, requestCount }
    const head = { ...range, sealedAt, isSealed, openSequence }
    return this.#call({ run: 'recordBatch', head }, async (send) => {
      for await (const keys of batch.keys()) await send({ keys })
      for await (const rows of batch.rows()) {
        const packed = packRows(rows)
        await send({ rows: packed }, [packed.numbers.buffer])
      }
    })
  }

  async findKnownKeys(limit: number): Promise<string[]> {
    return this.#call({ run: 'findKnownKeys', limit })
  }

  async close(): Promise<void> {
    const worker = this.#worker
    if (!worker) return
    await Promise.allSettled(Array.from(this.#calls.values(), ({ answer }) => answer))
    await this.#call({ run: 'close' })
    await worker.terminate()
  }

  /** Sends what `sendParts` gives, then the message, and waits for the answer. */
  async #call<T>(message: Message, sendParts?: (send: SendPart) => Promise<void>): Promise<T> {
    const worker = (this.#worker ??= this.#start())
    const call = ++this.#lastCall
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#calls.set(call, { answer: promise, resolve, reject })
    // it may fail while parts are still being sent
    promise.catch(() => {})
    // somebody waits now: the process may not end before the answer
    worker.ref()
    const post = (part: Message, transfer: ArrayBuffer[] = []) =>
      worker.postMessage({ call, ...part }, transfer)
    try {
      await sendParts?.(async (part, transfer) => {
        post(part, transfer)
        // a large batch must not hold the event loop
        await nextTurn()
      })
      post(message)
    } catch (error) {
      post({ run: 'forget' })
      this.#settle(call)?.reject(error)
    }
    return promise
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
    const workerData: WorkerStart = {
      options: this.#options,
      databaseId: this.#databaseId,
      network: readNetworkDefaults(),
    }
    // the app's own --import or --inspect is not meant for this thread
    const worker = new Worker(new URL(`./store-worker${extension}`, import.meta.url), {
      workerData,
      execArgv: [],
    })
    worker.on('message', (message: FromWorker) => this.#answer(message))
    let cause: unknown
    worker.on('error', (error) => (cause = error))
    worker.on('exit', () => this.#replace(worker, cause))
    // last: a listener for messages keeps the process alive again
    worker.unref()
    return worker
  }

  #answer(message: FromWorker): void {
    const call = this.#settle(message.call)
    if ('result' in message) call?.resolve(message.result)
    else call?.reject(unpackError(message.error))
  }

  #settle(number: number): Call | undefined {
    const call = this.#calls.get(number)
    this.#calls.delete(number)
    if (this.#calls.size === 0) this.#worker?.unref()
    return call
  }

  /** The next call starts another worker. */
  #replace(worker: Worker, cause: unknown): void {
    if (this.#worker === worker) this.#worker = undefined
    const error = new AnalyticsError(
      'DATABASE_FAILED',
      'The thread that writes to the database has ended. The batch stays in its file and is tried again.',
      { cause },
    )
    for (const number of this.#calls.keys()) this.#settle(number)?.reject(error)
  }
}
