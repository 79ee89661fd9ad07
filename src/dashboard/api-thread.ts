import { Worker } from 'node:worker_threads'
import type { DatabaseLocation } from '../options/database-location.ts'
import type { ApiAnswer, ApiRequest } from './api.ts'

/** Pages that look at the same thing, live, ask the database once. */
const KEEP_MS = 2000
/** The account reads the whole table. */
const KEEP_ACCOUNT_MS = 30_000
const MAX_KEPT = 100

const ENDED: ApiAnswer = {
  status: 503,
  type: 'json',
  body: JSON.stringify({
    error: { code: 'INTERNAL', message: 'The thread that reads the database has ended. Try again.' },
  }),
}

interface Kept {
  readonly answer: Promise<ApiAnswer>
  /** Milliseconds of `performance.now()`. */
  until: number
}

/** The API in a thread of its own: SQLite blocks its thread while it reads, and that must not be the app's. */
export class ApiThread {
  readonly #location: DatabaseLocation
  readonly #calls = new Map<number, (answer: ApiAnswer) => void>()
  readonly #kept = new Map<string, Kept>()
  #worker: Worker | undefined
  #lastCall = 0

  constructor(location: DatabaseLocation) {
    this.#location = location
  }

  /** Answers a request, or gives the answer of a moment ago to the same one. */
  answer(request: ApiRequest): Promise<ApiAnswer> {
    const id = JSON.stringify(request)
    const now = performance.now()
    const kept = this.#kept.get(id)
    if (kept && kept.until > now) return kept.answer
    const entry = { answer: this.#ask(request), until: Number.POSITIVE_INFINITY }
    this.#keep(id, entry)
    return this.#expire(entry, request.name === 'verify' ? KEEP_ACCOUNT_MS : KEEP_MS)
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  async #expire(entry: Kept, keepMs: number): Promise<ApiAnswer> {
    const answer = await entry.answer
    entry.until = answer.status === 200 ? performance.now() + keepMs : 0
    return answer
  }

  #keep(id: string, entry: Kept): void {
    this.#kept.delete(id)
    this.#kept.set(id, entry)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
  }

  #ask(request: ApiRequest): Promise<ApiAnswer> {
    const worker = (this.#worker ??= this.#start())
    const call = ++this.#lastCall
    return new Promise((resolve) => {
      this.#calls.set(call, resolve)
      worker.postMessage({ call, request }, [])
    })
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
    // the app's own --import or --inspect is not meant for this thread
    const worker = new Worker(new URL(`./api-worker${extension}`, import.meta.url), {
      workerData: this.#location,
      execArgv: [],
    })
    worker.on('message', ({ call, answer }: { call: number; answer: ApiAnswer }) => {
      this.#calls.get(call)?.(answer)
      this.#calls.delete(call)
    })
    // without a listener an error in the thread would end the app
    worker.on('error', (error) => process.emitWarning(error as Error))
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
      for (const resolve of this.#calls.values()) resolve(ENDED)
      this.#calls.clear()
    })
    // last: a listener for messages keeps the process alive again
    worker.unref()
    return worker
  }
}
