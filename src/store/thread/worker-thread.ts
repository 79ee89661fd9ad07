import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { unpackError } from './sent-error.ts'
import type { SentError } from './sent-error.ts'

/** From a thread: the single answer to a call. */
export type Answer =
  | { readonly call: number; readonly result: unknown }
  | { readonly call: number; readonly error: SentError }

/** Options of a thread. */
export interface ThreadOptions {
  /** The file that it runs, without `.ts` or `.js`. */
  readonly program: URL
  readonly workerData: () => unknown
  /** Whether open calls keep the process alive. */
  readonly holdsProcess: boolean
  /** Makes the error for calls that are still open when the thread ends. */
  readonly describeEnd: (cause: unknown) => Error
}

interface Call {
  /** The thread that was asked. */
  readonly worker: Worker
  readonly answer: Promise<unknown>
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** Sends a part, then yields to the event loop. The objects in `transfer` cannot be used here afterwards. */
type SendPart = (part: object, transfer?: ArrayBuffer[]) => Promise<void>

/** A worker thread that answers calls. It starts with the first call, and again with the first one after its end. */
export class WorkerThread {
  readonly #options: ThreadOptions
  readonly #calls = new Map<number, Call>()
  #worker: Worker | undefined
  #lastCall = 0

  constructor(options: ThreadOptions) {
    this.#options = options
  }

  /** Sends what `sendParts` produces, then the message, and waits for the answer. */
  async call<T>(message: object, sendParts?: (send: SendPart) => Promise<void>): Promise<T> {
    const worker = (this.#worker ??= this.#start())
    const call = ++this.#lastCall
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#calls.set(call, { worker, answer: promise, resolve, reject })
    // It may fail while parts are still being sent.
    promise.catch(() => {})
    if (this.#options.holdsProcess) worker.ref()
    const post = (part: object, transfer: ArrayBuffer[] = []) =>
      worker.postMessage({ call, ...part }, transfer)
    try {
      await sendParts?.(async (part, transfer) => {
        post(part, transfer)
        // sending a large batch must not block the event loop
        await nextTurn()
      })
      post(message)
    } catch (error) {
      post({ run: 'forget' })
      this.#settle(call)?.reject(error)
    }
    return promise
  }

  /** Waits for open calls, sends the last message and ends the thread. */
  async finish(message: object): Promise<void> {
    const worker = this.#worker
    if (!worker) return
    await Promise.allSettled(Array.from(this.#calls.values(), ({ answer }) => answer))
    await this.call(message)
    await worker.terminate()
  }

  /** Ends the thread now. */
  async terminate(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
    // The app's own --import or --inspect must not apply to this thread.
    const worker = new Worker(new URL(this.#options.program.href + extension), {
      workerData: this.#options.workerData(),
      execArgv: [],
    })
    worker.on('message', (message: Answer) => this.#answer(message))
    let cause: unknown
    // without a listener an error in the thread would end the app
    worker.on('error', (error) => (cause = error))
    worker.on('exit', () => this.#end(worker, cause))
    // last: adding a listener for messages keeps the process alive again
    worker.unref()
    return worker
  }

  #answer(message: Answer): void {
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

  /** The next call starts a new thread, and may have done so before the old one has ended. */
  #end(worker: Worker, cause: unknown): void {
    if (this.#worker === worker) this.#worker = undefined
    const error = this.#options.describeEnd(cause)
    for (const [number, call] of this.#calls) {
      if (call.worker === worker) this.#settle(number)?.reject(error)
    }
  }
}
