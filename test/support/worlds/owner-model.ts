import type { SetBy } from '../../../src/store/database/entities/api-key-analytics-key.ts'

/** One hour of a key: whose it is, who said so, and when it was said last of the run of equal hours. */
interface Cell {
  owner: string | null
  setBy: SetBy
  saidAt: number | null
}

/** What a key should be after any words, hour by hour; slow and simple, to compare the store with. */
export class OwnerModel {
  readonly requests: number[]
  cells: Cell[]
  name: string | null = null
  #nameSetBy: SetBy = 'app'
  #nameSaidAt: number | null = null

  constructor(hours: number) {
    this.requests = Array.from({ length: hours }, () => 0)
    this.cells = this.requests.map(() => ({ owner: null, setBy: 'app', saidAt: null }))
  }

  hearName(name: string | null, time: number): void {
    if (name === null || this.#nameSetBy === 'person') return
    if (this.#nameSaidAt !== null && time < this.#nameSaidAt) return
    this.name = name
    this.#nameSaidAt = time
  }

  setName(name: string | null): void {
    this.name = name
    this.#nameSetBy = name === null ? 'app' : 'person'
    this.#nameSaidAt = null
  }

  hearOwner(owner: string | null, hour: number, time: number): void {
    const { saidAt, setBy, owner: known } = this.cells[hour]!
    if (owner === null || setBy === 'person' || (saidAt !== null && time < saidAt)) return
    const [first, last] = this.#runAt(hour)
    const from = known === null || known === owner ? first : hour
    this.#fill(from, last, { owner, setBy: 'app', saidAt: time })
  }

  setOwner(owner: string | null, from: number, until: number, now: number): void {
    const setBy = owner === null ? 'app' : 'person'
    this.#fill(from, until - 1, { owner, setBy, saidAt: owner === null ? null : now })
  }

  get hadOwner(): boolean {
    return this.cells.some(({ owner }) => owner !== null)
  }

  get present(): string | null {
    return this.cells.at(-1)!.owner
  }

  /** Forgets the hours of an owner. @returns whether nobody else had the key */
  forget(owner: string): boolean {
    if (this.cells.every((cell) => cell.owner === owner || cell.owner === null)) return true
    if (this.present === owner) this.setName(null)
    for (const [hour, cell] of this.cells.entries()) {
      if (cell.owner !== owner) continue
      this.requests[hour] = 0
      this.cells[hour] = { owner: null, setBy: 'app', saidAt: null }
    }
    this.#settle()
    return false
  }

  prune(hour: number): void {
    this.requests.fill(0, 0, hour)
    const firstUsed = this.requests.findIndex((requests) => requests > 0)
    const [first] = this.#runAt(Math.min(hour, firstUsed < 0 ? hour : firstUsed, this.cells.length - 1))
    if (first > 0) this.#fill(0, first - 1, this.cells[first]!)
  }

  requestsByOwner(): Map<string | null, number> {
    const sums = new Map<string | null, number>()
    for (const [hour, { owner }] of this.cells.entries()) {
      if (this.requests[hour]! > 0) sums.set(owner, (sums.get(owner) ?? 0) + this.requests[hour]!)
    }
    return sums
  }

  #fill(first: number, last: number, cell: Cell): void {
    for (let hour = first; hour <= last; hour += 1) this.cells[hour] = { ...cell }
    this.#settle()
  }

  /** The hours around one that have the same owner, set in the same way. */
  #runAt(hour: number): [first: number, last: number] {
    const isSame = (other: number) =>
      this.cells[other]?.owner === this.cells[hour]!.owner &&
      this.cells[other]?.setBy === this.cells[hour]!.setBy
    let [first, last] = [hour, hour]
    while (isSame(first - 1)) first -= 1
    while (isSame(last + 1)) last += 1
    return [first, last]
  }

  #settle(): void {
    for (let hour = 0; hour < this.cells.length; hour = this.#runAt(hour)[1] + 1) {
      const run = this.cells.slice(hour, this.#runAt(hour)[1] + 1)
      const said = run.flatMap(({ saidAt }) => saidAt ?? [])
      for (const cell of run) cell.saidAt = said.length > 0 ? Math.max(...said) : null
    }
  }
}
