import { isCount } from '../../model/is-count.ts'
import { MOST_UNITS } from '../../model/unit.ts'
import { decodeUuid, encodeUuid } from '../../model/uuid.ts'
import { HEADER_BYTES } from './counter-layout.ts'
import type { CounterMemory } from './counter-memory.ts'
import { faultPoint } from '../../model/fault-point.ts'

/** Word numbers in the file header. */
const FILE = { state: 8, namesPublished: 9, openArea: 10 } as const
/** `free`: nothing in this file counts, it may be zeroed and used again. */
const FILE_STATE = { free: 0, inUse: 1 } as const
/** Word number at which the header of area 0 or 1 begins. */
const AREA_WORDS = [16, 48] as const
/** Word numbers within an area header. The database id takes two words, the quantities before one per unit. */
const AREA = {
  state: 0,
  sequence: 1,
  bucket: 2,
  countedBefore: 3,
  sealedAt: 4,
  stamped: 5,
  databaseId: 6,
  additionsBefore: 8,
  additions: 9,
  quantitiesBefore: 10,
} as const
/** `empty`: never used or delivered; `counting`: holds a batch, which is sealed unless this is the open area. */
const AREA_STATE = { empty: 0, counting: 1 } as const

/** The words of a counter file's header: each change is one store, handed to the kernel at once. */
export class CounterHeader {
  readonly areas: readonly [AreaHeader, AreaHeader]
  readonly #words: Words

  constructor(memory: CounterMemory) {
    this.#words = new Words(memory)
    this.areas = [new AreaHeader(this.#words, AREA_WORDS[0]), new AreaHeader(this.#words, AREA_WORDS[1])]
  }

  get isFree(): boolean {
    return this.#words.get(FILE.state) === FILE_STATE.free
  }

  /** Declares that nothing in the file counts any more. */
  free(): void {
    this.#words.set(FILE.state, FILE_STATE.free)
    faultPoint('file freed')
  }

  takeIntoUse(): void {
    this.#words.set(FILE.state, FILE_STATE.inUse)
    faultPoint('file created')
  }

  /** Bytes of the names region that may be read. */
  get namesPublished(): number {
    return this.#words.get(FILE.namesPublished)
  }

  set namesPublished(bytes: number) {
    this.#words.set(FILE.namesPublished, bytes)
  }

  /** The area that takes counts; the other one is empty or holds a sealed batch. */
  get openArea(): 0 | 1 {
    return this.#words.get(FILE.openArea) === 1 ? 1 : 0
  }

  set openArea(area: 0 | 1) {
    this.#words.set(FILE.openArea, area)
  }
}

/** What an instance counted up to a moment. */
export interface Counted {
  readonly requests: number
  /** Late additions. */
  readonly additions: number
  /** By the place of the unit. */
  readonly quantities: readonly number[]
}

/** What the header says of the batch in one count area. */
export class AreaHeader {
  readonly #words: Words
  readonly #first: number

  constructor(words: Words, first: number) {
    this.#words = words
    this.#first = first
  }

  get isEmpty(): boolean {
    return this.#get(AREA.state) === AREA_STATE.empty
  }

  /** False when these words are damaged. */
  get isSound(): boolean {
    const words: number[] = [
      AREA.sequence,
      AREA.bucket,
      AREA.countedBefore,
      AREA.additionsBefore,
      AREA.additions,
    ]
    // the words of units that the file does not have are 0
    for (let unit = 0; unit < MOST_UNITS; unit += 1) words.push(AREA.quantitiesBefore + unit)
    return this.#get(AREA.state) === AREA_STATE.counting && words.every((word) => isCount(this.#get(word)))
  }

  get sequence(): number {
    return this.#get(AREA.sequence)
  }

  /** Start of the bucket, epoch milliseconds. */
  get bucket(): number {
    return this.#get(AREA.bucket)
  }

  set bucket(bucket: number) {
    this.#set(AREA.bucket, bucket)
  }

  get countedBefore(): number {
    return this.#get(AREA.countedBefore)
  }

  /** Late additions that the instance counted before this batch. */
  get additionsBefore(): number {
    return this.#get(AREA.additionsBefore)
  }

  /** Late additions in this batch. */
  get additions(): number {
    return this.#get(AREA.additions)
  }

  addAddition(): void {
    this.#set(AREA.additions, this.additions + 1)
    faultPoint('late addition counted')
  }

  /** What the instance counted of a unit before this batch. */
  quantityBefore(unit: number): number {
    return this.#get(AREA.quantitiesBefore + unit)
  }

  /** Epoch milliseconds; 0 until the batch is sealed. */
  get sealedAt(): number {
    return this.#get(AREA.sealedAt)
  }

  set sealedAt(time: number) {
    this.#set(AREA.sealedAt, time)
  }

  /** The database that the batch was tried on, if it was. */
  get databaseId(): string | undefined {
    return this.#get(AREA.stamped) === 1
      ? decodeUuid(this.#words.bytes(this.#first + AREA.databaseId, 2))
      : undefined
  }

  /** Stores which database the batch is about to be tried on. */
  stamp(databaseId: string): void {
    this.#words.setBytes(this.#first + AREA.databaseId, encodeUuid(databaseId))
    this.#set(AREA.stamped, 1)
    faultPoint('batch stamped')
  }

  /** Begins a batch after what the instance counted so far. */
  begin(sequence: number, bucket: number, { requests, additions, quantities }: Counted): void {
    this.#set(AREA.sequence, sequence)
    this.#set(AREA.bucket, bucket)
    this.#set(AREA.countedBefore, requests)
    this.#set(AREA.additionsBefore, additions)
    this.#set(AREA.additions, 0)
    for (const [unit, quantity] of quantities.entries()) this.#set(AREA.quantitiesBefore + unit, quantity)
    this.#set(AREA.sealedAt, 0)
    this.#set(AREA.stamped, 0)
    this.#set(AREA.state, AREA_STATE.counting)
  }

  /** Forgets the batch; its counts stay until they are cleared. */
  empty(): void {
    this.#set(AREA.state, AREA_STATE.empty)
  }

  #get(word: number): number {
    return this.#words.get(this.#first + word)
  }

  #set(word: number, value: number): void {
    this.#words.set(this.#first + word, value)
  }
}

class Words {
  readonly #memory: CounterMemory
  readonly #words: Float64Array

  constructor(memory: CounterMemory) {
    this.#memory = memory
    this.#words = new Float64Array(memory.buffer, 0, HEADER_BYTES / 8)
  }

  get(word: number): number {
    return this.#words[word]!
  }

  set(word: number, value: number): void {
    this.#words[word] = value
    this.#memory.persist(word * 8, 8)
  }

  bytes(word: number, count: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, word * 8, count * 8)
  }

  setBytes(word: number, bytes: Uint8Array): void {
    new Uint8Array(this.#memory.buffer).set(bytes, word * 8)
    this.#memory.persist(word * 8, bytes.length)
  }
}
