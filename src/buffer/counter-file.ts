import {
  AREA,
  AREA_STATE,
  AREA_WORD,
  areaOffset,
  decodeIdentity,
  decodeUuid,
  encodeIdentity,
  encodeUuid,
  FILE_STATE,
  fileBytes,
  HEADER_BYTES,
  SLOT_BYTES,
  WORD,
  type FileIdentity,
} from './counter-layout.ts'
import { lengthen, type CounterMemory, type CounterMode } from './counter-memory.ts'
import { faultPoint } from './fault-point.ts'
import {
  cellRecord,
  compareCells,
  decodeNames,
  keyRecord,
  type CellName,
  type DecodedNames,
} from './name-records.ts'
import { repairCopy } from './repair-copy.ts'
import { SealedBatch } from './sealed-batch.ts'
import { sortInSlices } from './sort-in-slices.ts'

/**
 * One instance: named slots and two count areas that alternate. The open area takes counts; the other one is empty or
 * holds a sealed batch that waits for its delivery. Every step is ordered so that a process killed between any two
 * stores leaves a file that says exactly what was counted.
 */
export class CounterFile {
  readonly identity: FileIdentity
  /** What each slot counts. */
  readonly cells: CellName[]
  /** Why a file that was read could not be read to its end. */
  readonly problem: string | undefined
  readonly #memory: CounterMemory
  readonly #bytes: Uint8Array
  readonly #words: Float64Array
  readonly #areas: readonly [Float64Array, Float64Array]
  readonly #keyNumbers = new Map<string, number>()
  #open: Float64Array
  #openBase: number
  /** True once no more counts come: the open area is sealed too. */
  #retired = false
  /** Slots in the order of their rows; completed when a flush finds new cells. */
  #order: number[] = []

  private constructor(memory: CounterMemory, identity: FileIdentity, names: DecodedNames) {
    this.identity = identity
    this.#memory = memory
    this.#bytes = new Uint8Array(memory.buffer)
    this.#words = new Float64Array(memory.buffer, 0, HEADER_BYTES / 8)
    this.#areas = [this.#area(0), this.#area(1)]
    this.#open = this.#areas[this.#openArea]
    this.#openBase = areaOffset(identity, this.#openArea)
    this.cells = names.cells
    this.problem = names.problem
  }

  /** Makes an instance in memory that is all zeros, or whose file is free. */
  static create(memory: CounterMemory, identity: FileIdentity, bucket: number): CounterFile {
    new Uint8Array(memory.buffer).set(encodeIdentity(identity))
    memory.persist(0, HEADER_BYTES)
    const file = new CounterFile(memory, identity, { cells: [], problem: undefined })
    file.#begin(0, 1, bucket, 0)
    file.#setWord(WORD.fileState, FILE_STATE.inUse)
    faultPoint('file created')
    return file
  }

  /**
   * Reads what an earlier process left.
   * @param writtenAt when it last wrote, epoch milliseconds: taken as the time of sealing
   * @returns a sentence that says what is wrong when nothing can be read; undefined when nothing was ever written
   */
  static async read(memory: CounterMemory, writtenAt: number): Promise<CounterFile | string | undefined> {
    if (new Uint8Array(memory.buffer).every((byte) => byte === 0)) return undefined
    const identity = decodeIdentity(memory.buffer)
    if (typeof identity === 'string') return identity
    const lost = Math.max(0, fileBytes(identity) - memory.buffer.byteLength)
    const whole = lost > 0 ? lengthen(memory, fileBytes(identity)) : memory
    const published = new Float64Array(whole.buffer, WORD.namesPublished * 8, 1)[0]!
    const region = Buffer.from(whole.buffer, HEADER_BYTES, Math.min(published, identity.namesBytes))
    const { cells, problem } = await decodeNames(region)
    const truncation = lost > 0 ? `it ends ${lost} bytes too early` : undefined
    const file = new CounterFile(whole, identity, { cells, problem: truncation ?? problem })
    file.retire(writtenAt)
    return file
  }

  /** Takes damaged counts out of the copy of a dead process's file. @returns what is wrong with it, if anything is */
  repair(): string | undefined {
    const damage = repairCopy(this.#memory.buffer, this.identity, this.cells.length)
    return this.problem ?? damage
  }

  get mode(): CounterMode {
    return this.#memory.mode
  }

  /** Start of the open batch's bucket, epoch milliseconds. */
  get bucket(): number {
    return this.#word(AREA_WORD[this.#openArea] + AREA.bucket)
  }

  get isFree(): boolean {
    return this.#word(WORD.fileState) === FILE_STATE.free
  }

  /** Adds one request to a slot: the hot path, two stores when mapped. */
  add(slot: number, durationUs: number): void {
    const index = slot * 2
    // The duration first: a crash between the two must not leave a request without its time.
    this.#open[index + 1]! += durationUs
    this.#open[index]! += 1
    this.#memory.persist(this.#openBase + slot * SLOT_BYTES, SLOT_BYTES)
  }

  /** Gives a cell its slot for the life of this instance. @returns undefined when the file is full */
  addCell(cell: CellName): number | undefined {
    const slot = this.cells.length
    if (slot >= this.identity.slots) return undefined
    const known = this.#keyNumbers.get(cell.key.id)
    const keyNumber = known ?? this.#keyNumbers.size
    if (known === undefined && !this.#publish(keyRecord(cell.key))) return undefined
    this.#keyNumbers.set(cell.key.id, keyNumber)
    if (!this.#publish(cellRecord(keyNumber, cell))) return undefined
    this.cells.push(cell)
    return slot
  }

  /** Requests in the open batch. */
  sumOpen(): number {
    return this.#sum(this.#openArea)
  }

  /**
   * Seals the open batch and opens the next one in the other area.
   * @returns false when the other area still holds a batch that waits
   */
  seal(nextBucket: number, now: number): boolean {
    const area = this.#openArea
    const next = area === 0 ? 1 : 0
    if (this.#areaWord(next, AREA.state) !== AREA_STATE.empty) return false
    const counted = this.#areaWord(area, AREA.countedBefore) + this.#sum(area)
    this.#setAreaWord(area, AREA.sealedAt, now)
    this.#begin(next, this.#areaWord(area, AREA.sequence) + 1, nextBucket, counted)
    faultPoint('next area prepared')
    this.#setWord(WORD.openArea, next)
    this.#open = this.#areas[next]
    this.#openBase = areaOffset(this.identity, next)
    faultPoint('areas switched')
    return true
  }

  /** Moves the open batch to another bucket; only right while it is empty. */
  moveTo(bucket: number): void {
    this.#setAreaWord(this.#openArea, AREA.bucket, bucket)
  }

  /** No more counts come: whatever the areas hold may be delivered. */
  retire(now: number): void {
    this.#retired = true
    const area = this.#openArea
    if (this.#areaWord(area, AREA.sealedAt) === 0) this.#setAreaWord(area, AREA.sealedAt, now)
  }

  /** The sealed batches that hold counts, oldest first. */
  sealedBatches(): SealedBatch[] {
    return ([0, 1] as const)
      .filter((area) => this.#areaWord(area, AREA.state) === AREA_STATE.counting)
      .filter((area) => this.#retired || area !== this.#openArea)
      .map((area) => this.#batch(area))
      .filter((batch) => batch.requestCount > 0)
      .sort((a, b) => a.sequence - b.sequence)
  }

  /** The slots in the order of their rows: key, endpoint, method, status. Steady cells are sorted only once. */
  async sortedSlots(): Promise<readonly number[]> {
    const sorted = this.#order.length
    if (sorted < this.cells.length) {
      const added = Array.from({ length: this.cells.length - sorted }, (_, index) => sorted + index)
      const compare = (a: number, b: number) => compareCells(this.cells[a]!, this.cells[b]!)
      this.#order = await sortInSlices([...this.#order, ...added], compare, sorted)
    }
    return this.#order
  }

  /** Forgets a batch that the database has: empty again, then zeroed for the one after the next. */
  markDelivered(batch: SealedBatch): void {
    const area = batch.area
    this.#setAreaWord(area, AREA.state, AREA_STATE.empty)
    faultPoint('batch marked delivered')
    const used = this.cells.length
    this.#areas[area].fill(0, 0, used * 2)
    this.#memory.persist(areaOffset(this.identity, area), used * SLOT_BYTES)
  }

  /** Writes down which database a batch is about to be tried on. */
  stamp(batch: SealedBatch, databaseId: string): void {
    const word = AREA_WORD[batch.area] + AREA.databaseId
    this.#bytes.set(encodeUuid(databaseId), word * 8)
    this.#memory.persist(word * 8, 16)
    this.#setAreaWord(batch.area, AREA.stamped, 1)
    faultPoint('batch stamped')
  }

  /** Declares that nothing in this file counts any more. */
  free(): void {
    this.#setWord(WORD.fileState, FILE_STATE.free)
    faultPoint('file freed')
  }

  /** Takes a free file back into use as a new instance. */
  reuse(identity: FileIdentity, bucket: number): CounterFile {
    this.#setWord(WORD.namesPublished, 0)
    this.#setWord(WORD.openArea, 0)
    for (const area of [0, 1] as const) {
      this.#setAreaWord(area, AREA.state, AREA_STATE.empty)
      this.#areas[area].fill(0)
      this.#memory.persist(areaOffset(this.identity, area), this.#areas[area].byteLength)
    }
    faultPoint('file reset')
    return CounterFile.create(this.#memory, identity, bucket)
  }

  #batch(area: 0 | 1): SealedBatch {
    const stamped = this.#areaWord(area, AREA.stamped) === 1
    const idOffset = (AREA_WORD[area] + AREA.databaseId) * 8
    return new SealedBatch({
      file: this,
      area,
      sequence: this.#areaWord(area, AREA.sequence),
      bucket: this.#areaWord(area, AREA.bucket),
      countedBefore: this.#areaWord(area, AREA.countedBefore),
      sealedAt: this.#areaWord(area, AREA.sealedAt),
      databaseId: stamped ? decodeUuid(this.#bytes.subarray(idOffset, idOffset + 16)) : undefined,
      requestCount: this.#sum(area),
      counts: this.#areas[area],
    })
  }

  #begin(area: 0 | 1, sequence: number, bucket: number, countedBefore: number): void {
    this.#setAreaWord(area, AREA.sequence, sequence)
    this.#setAreaWord(area, AREA.bucket, bucket)
    this.#setAreaWord(area, AREA.countedBefore, countedBefore)
    this.#setAreaWord(area, AREA.sealedAt, 0)
    this.#setAreaWord(area, AREA.stamped, 0)
    this.#setAreaWord(area, AREA.state, AREA_STATE.counting)
  }

  #publish(record: Buffer): boolean {
    const published = this.#word(WORD.namesPublished)
    const end = published + record.length
    if (end > this.identity.namesBytes) return false
    this.#bytes.set(record, HEADER_BYTES + published)
    this.#memory.persist(HEADER_BYTES + published, record.length)
    faultPoint('names record written')
    this.#setWord(WORD.namesPublished, end)
    faultPoint('names record published')
    return true
  }

  #sum(area: 0 | 1): number {
    const counts = this.#areas[area]
    let sum = 0
    for (let index = 0; index < this.cells.length * 2; index += 2) sum += counts[index]!
    return sum
  }

  get #openArea(): 0 | 1 {
    return this.#word(WORD.openArea) === 1 ? 1 : 0
  }

  #area(area: 0 | 1): Float64Array {
    return new Float64Array(this.#memory.buffer, areaOffset(this.identity, area), this.identity.slots * 2)
  }

  #word(word: number): number {
    return this.#words[word]!
  }

  #areaWord(area: 0 | 1, word: number): number {
    return this.#words[AREA_WORD[area] + word]!
  }

  #setWord(word: number, value: number): void {
    this.#words[word] = value
    this.#memory.persist(word * 8, 8)
  }

  #setAreaWord(area: 0 | 1, word: number, value: number): void {
    this.#setWord(AREA_WORD[area] + word, value)
  }
}
