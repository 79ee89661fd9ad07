import { randomUUID } from 'node:crypto'

/** Files that are sent at a time: each may have the hashes of millions of lines in memory. */
const MOST_FILES = 4

/** Files that are being sent, in the thread that reads the database. The other thread asks for each piece. */
export class OpenFiles {
  readonly #files = new Map<string, AsyncGenerator<string, void, undefined>>()

  /** Undefined when too many are open. */
  add(pieces: AsyncGenerator<string, void, undefined>): string | undefined {
    if (this.#files.size >= MOST_FILES) return undefined
    const id = randomUUID()
    this.#files.set(id, pieces)
    return id
  }

  /** The next piece; undefined at the end. */
  async read(id: string): Promise<string | undefined> {
    const next = await this.#files.get(id)?.next()
    if (!next || next.done) this.#files.delete(id)
    return next?.value ?? undefined
  }

  async close(id: string): Promise<void> {
    const file = this.#files.get(id)
    this.#files.delete(id)
    await file?.return()
  }
}
