interface Kept<T> {
  readonly answer: Promise<T>
  /** Milliseconds of `performance.now()`. */
  until: number
}

/** Recent answers by question, bounded in number. Equal questions that come while one is answered share its answer. */
export class KeptAnswers<T> {
  readonly #most: number
  readonly #kept = new Map<string, Kept<T>>()

  constructor(most: number) {
    this.#most = most
  }

  /** The recent answer, if there is one. */
  find(question: string): Promise<T> | undefined {
    const kept = this.#kept.get(question)
    return kept && kept.until > performance.now() ? kept.answer : undefined
  }

  /**
   * Keeps an answer, from now until `keepMs` after it came. A promise that rejects is not kept.
   * @param keepMs of an answer and the milliseconds that it took
   */
  keep(question: string, answer: Promise<T>, keepMs: (answer: T, tookMs: number) => number): Promise<T> {
    const askedAt = performance.now()
    const entry: Kept<T> = { answer, until: Number.POSITIVE_INFINITY }
    this.#kept.delete(question)
    this.#kept.set(question, entry)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#most && oldest !== undefined) this.#kept.delete(oldest)
    void this.#expire(entry, askedAt, keepMs)
    return answer
  }

  async #expire(
    entry: Kept<T>,
    askedAt: number,
    keepMs: (answer: T, tookMs: number) => number,
  ): Promise<void> {
    try {
      const answer = await entry.answer
      const now = performance.now()
      entry.until = now + keepMs(answer, now - askedAt)
    } catch {
      // who asked gets the error
      entry.until = 0
    }
  }
}
