/** Findings that are listed one by one; a table that somebody has rewritten would fill memory and screen. */
const MOST_FINDINGS = 100

/** What is wrong, one sentence each: the first ones, and how many more there are. */
export class FindingList {
  readonly #first: string[] = []
  #count = 0

  add(...findings: readonly string[]): void {
    for (const finding of findings) {
      this.#count += 1
      if (this.#count <= MOST_FINDINGS) this.#first.push(finding)
    }
  }

  get count(): number {
    return this.#count
  }

  list(): string[] {
    const more = this.#count - this.#first.length
    return more > 0 ? [...this.#first, `${more} more findings.`] : [...this.#first]
  }
}
