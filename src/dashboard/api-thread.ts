import { KeptAnswers } from '../store/thread/kept-answers.ts'
import { readNetworkDefaults } from '../store/database/postgresql/network-defaults.ts'
import { WorkerThread } from '../store/thread/worker-thread.ts'
import type { DatabaseLocation } from '../options/database-location.ts'
import type { ApiAnswer, ApiRequest } from './api.ts'
import type { ApiWorkerStart, SentFile, ToApiWorker } from './api-messages.ts'

/** How long an answer is reused: live pages with the same view ask the database once. */
const KEEP_MS = 2000
/** Longer for the account, because it reads the whole table. */
const KEEP_ACCOUNT_MS = 30_000
const MAX_KEPT = 100

const ENDED: ApiAnswer = {
  status: 503,
  type: 'json',
  body: JSON.stringify({
    error: { code: 'INTERNAL', message: 'The thread that reads the database has ended. Try again.' },
  }),
}

/** A file whose pieces are read one after the other. */
export interface DownloadedFile {
  readonly name: string
  readonly type: 'json' | 'csv'
  readonly pieces: AsyncIterable<string>
}

/** The API in its own thread: SQLite blocks its thread while it reads, and that must not be the app's thread. */
export class ApiThread {
  readonly #thread: WorkerThread
  readonly #kept = new KeptAnswers<ApiAnswer>(MAX_KEPT)

  constructor(location: DatabaseLocation) {
    this.#thread = new WorkerThread({
      program: new URL('api-worker', import.meta.url),
      workerData: (): ApiWorkerStart => ({ ...location, network: readNetworkDefaults() }),
      holdsProcess: false,
      describeEnd(cause) {
        if (cause instanceof Error) process.emitWarning(cause)
        return new Error('The thread that reads the database has ended.', { cause })
      },
    })
  }

  /** Answers a request, or returns the recent answer to the same request. */
  answer(request: ApiRequest): Promise<ApiAnswer> {
    const id = JSON.stringify(request)
    const keepMs = request.name === 'verify' ? KEEP_ACCOUNT_MS : KEEP_MS
    return (
      this.#kept.find(id) ??
      this.#kept.keep(
        id,
        this.#ask<ApiAnswer>({ request }).catch(() => ENDED),
        ({ status }) => (status === 200 ? keepMs : 0),
      )
    )
  }

  /** Opens a file for one download. Its pieces are read when they are asked for. */
  async open(request: ApiRequest): Promise<ApiAnswer | DownloadedFile> {
    const answer = await this.#ask<ApiAnswer | SentFile>({ open: request }).catch(() => ENDED)
    if (!('id' in answer)) return answer
    const { id, name, type } = answer
    return { name, type, pieces: { [Symbol.asyncIterator]: () => this.#piecesOf(id) } }
  }

  /** Not a generator: one that was never started would not close the file. */
  #piecesOf(id: string): AsyncIterator<string> {
    const end = { done: true, value: undefined } as const
    return {
      next: async () => {
        const value = await this.#ask<string | undefined>({ read: id })
        return value === undefined ? end : { done: false, value }
      },
      return: async () => {
        await this.#ask({ close: id })
        return end
      },
    }
  }

  #ask<T>(message: ToApiWorker): Promise<T> {
    return this.#thread.call<T>(message)
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }
}
