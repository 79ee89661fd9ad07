import type { BatchUnits } from '../../model/batch.ts'
import { CellOrder } from '../cells/cell-order.ts'
import { CountArea } from './count-area.ts'
import { CounterHeader } from './counter-header.ts'
import {
  decodeIdentity,
  encodeIdentity,
  fileBytes,
  HEADER_BYTES,
  type FileIdentity,
} from './counter-layout.ts'
import { lengthen, type CounterMemory, type CounterMode } from './counter-memory.ts'
import { faultPoint } from '../../model/fault-point.ts'
import { decodeNames, noNames, type FileNames } from './name-records.ts'
import { NamesRegion } from './names-region.ts'
import { repairCopy } from './repair-copy.ts'
import { SealedBatch } from './sealed-batch.ts'

/**
 * One instance: named slots and two count areas that alternate. The open area takes counts; the other one is empty or
 * holds a sealed batch that waits for its delivery. Every step is ordered so that a process killed between any two
 * stores leaves a file that says exactly what was counted.
 */
export class CounterFile {
  readonly identity: FileIdentity
  readonly names: NamesRegion
  readonly #memory: CounterMemory
  readonly #header: CounterHeader
  readonly #areas: readonly [CountArea, CountArea]
  #open: CountArea
  #problem: string | undefined
  /** True once no more counts come: the open area is delivered too. */
  #retired = false
  /** When the process that left this file wrote last; undefined while it lives. */
  #writtenAt: number | undefined
  #order = new CellOrder()
  /** All that this instance counted of each unit. */
  readonly #quantities: number[]

  private constructor(memory: CounterMemory, identity: FileIdentity, names: FileNames) {
    this.identity = identity
    this.#memory = memory
    this.#header = new CounterHeader(memory)
    this.names = new NamesRegion(memory, this.#header, identity, names)
    this.#areas = [new CountArea(memory, identity, 0), new CountArea(memory, identity, 1)]
    this.#open = this.#areas[this.#header.openArea]
    this.#quantities = identity.units.map(() => 0)
  }

  /** Makes an instance in memory that is all zeros, or whose file is free. */
  static create(memory: CounterMemory, identity: FileIdentity, bucket: number): CounterFile {
    new Uint8Array(memory.buffer).set(encodeIdentity(identity))
    memory.persist(0, HEADER_BYTES)
    const file = new CounterFile(memory, identity, noNames(identity.units))
    file.#header.areas[0].begin(1, bucket, { requests: 0, additions: 0, quantities: file.#quantities })
    file.#header.takeIntoUse()
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
    const published = new CounterHeader(whole).namesPublished
    const region = Buffer.from(whole.buffer, HEADER_BYTES, Math.min(published, identity.namesBytes))
    const names = await decodeNames(region, identity.units)
    const file = new CounterFile(whole, identity, names)
    file.#problem = lost > 0 ? `it ends ${lost} bytes too early` : names.problem
    file.#retired = true
    // whole, as all times that are stored: a file system gives parts of a millisecond too
    file.#writtenAt = Math.trunc(writtenAt)
    return file
  }

  /** Why a file that was read could not be read to its end. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Takes damaged counts out of the copy of a dead process's file. @returns what is wrong with it, if anything is */
  repair(): string | undefined {
    const damage = repairCopy(this.#header, this.#areas, this.names.slots.count)
    return this.#problem ?? damage
  }

  get mode(): CounterMode {
    return this.#memory.mode
  }

  /** Start of the open batch's bucket, epoch milliseconds. */
  get bucket(): number {
    return this.#openHeader.bucket
  }

  get isFree(): boolean {
    return this.#header.isFree
  }

  /** The counts of the open batch. */
  get openCounts(): CountArea {
    return this.#open
  }

  /** Whether the open batch holds no requests and no late additions. */
  isOpenEmpty(): boolean {
    return this.#openHeader.additions === 0 && this.#sum(this.#header.openArea) === 0
  }

  /** Whether the instance can count this much more of a unit, and all its sums stay exact. */
  hasRoomFor(unit: number, quantity: number): boolean {
    return this.#quantities[unit]! + quantity <= Number.MAX_SAFE_INTEGER
  }

  /** Adds to a quantity, before its request is counted. */
  addQuantity(slot: number, unit: number, quantity: number, requests: 0 | 1): void {
    this.#quantities[unit]! += quantity
    this.#open.addQuantity(slot, quantity, requests)
  }

  /** Counts a late addition, after its quantity was added: a number of its own shows it to the ledger. */
  countAddition(): void {
    this.#openHeader.addAddition()
  }

  /**
   * Seals the open batch and opens the next one in the other area.
   * @returns false when the other area still holds a batch that waits
   */
  seal(nextBucket: number, now: number): boolean {
    const area = this.#header.openArea
    const next = area === 0 ? 1 : 0
    const sealed = this.#header.areas[area]
    if (!this.#header.areas[next].isEmpty) return false
    const counted = {
      requests: sealed.countedBefore + this.#sum(area),
      additions: sealed.additionsBefore + sealed.additions,
      quantities: this.#quantities,
    }
    sealed.sealedAt = now
    this.#header.areas[next].begin(sealed.sequence + 1, nextBucket, counted)
    faultPoint('next area prepared')
    this.#header.openArea = next
    this.#open = this.#areas[next]
    faultPoint('areas switched')
    return true
  }

  /** Moves the open batch to another bucket; only right while it is empty. */
  moveTo(bucket: number): void {
    this.#openHeader.bucket = bucket
  }

  /** No more counts come, so both areas may be delivered. */
  retire(now: number): void {
    this.#retired = true
    if (this.#openHeader.sealedAt === 0) this.#openHeader.sealedAt = now
  }

  /** The sealed batches that hold counts, oldest first. */
  sealedBatches(): SealedBatch[] {
    return ([0, 1] as const)
      .filter((area) => this.#header.areas[area].isSound)
      .filter((area) => this.#retired || area !== this.#header.openArea)
      .map((area) => this.#batch(area))
      .filter((batch) => batch.requestCount > 0 || batch.additionCount > 0)
      .sort((a, b) => a.sequence - b.sequence)
  }

  /** Forgets a batch that is in the database: marks its area as empty, then zeroes it. */
  markDelivered({ area }: SealedBatch): void {
    this.#header.areas[area].empty()
    faultPoint('batch marked delivered')
    this.#areas[area].clear(this.names.slots.count)
  }

  /** Stores which database a batch is about to be tried on. */
  stamp({ area }: SealedBatch, databaseId: string): void {
    this.#header.areas[area].stamp(databaseId)
  }

  /** Declares that nothing in this file counts any more, and forgets its names. */
  free(): void {
    this.#header.free()
    this.names.clear()
    this.#order = new CellOrder()
  }

  /** Takes a free file back into use as a new instance. */
  reuse(identity: FileIdentity, bucket: number): CounterFile {
    this.#header.namesPublished = 0
    this.#header.openArea = 0
    for (const area of [0, 1] as const) {
      this.#header.areas[area].empty()
      this.#areas[area].clear(this.identity.slots)
    }
    faultPoint('file reset')
    return CounterFile.create(this.#memory, identity, bucket)
  }

  #batch(area: 0 | 1): SealedBatch {
    const header = this.#header.areas[area]
    const { sequence, bucket, countedBefore, sealedAt, databaseId } = header
    const isAlive = this.#writtenAt === undefined
    return new SealedBatch({
      identity: this.identity,
      names: this.names,
      order: this.#order,
      area,
      sequence,
      bucket,
      countedBefore,
      sealedAt: sealedAt || this.#writtenAt || 0,
      isSealed: sealedAt !== 0,
      openSequence: isAlive ? this.#openHeader.sequence : undefined,
      databaseId,
      requestCount: this.#sum(area),
      units: this.identity.units.length > 0 ? this.#unitsOf(area) : undefined,
      counts: this.#areas[area].counts,
    })
  }

  #unitsOf(area: 0 | 1): BatchUnits {
    const header = this.#header.areas[area]
    return {
      additionsBefore: header.additionsBefore,
      additionCount: header.additions,
      totals: this.identity.units.map((unit, place) => ({
        unit,
        before: header.quantityBefore(place),
        quantity: this.#areas[area].sumQuantities(this.names.unitSlots[place]!),
      })),
    }
  }

  #sum(area: 0 | 1): number {
    return this.#areas[area].sumRequests(this.names.slots.count, this.names.unitSlots)
  }

  get #openHeader() {
    return this.#header.areas[this.#header.openArea]
  }
}
