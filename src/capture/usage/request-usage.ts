import { inspect } from 'node:util'
import type { CountedKey, CountedOperation } from '../../model/request-counter.ts'
import { MOST_PER_REQUEST } from '../../model/unit.ts'

/** What an app gave that cannot be counted. */
export interface UsageProblem {
  readonly code: 'USAGE_INVALID' | 'USAGE_DECREASED'
  /** Each kind is reported once. */
  readonly kind: string
  readonly message: string
}

/** A request that was counted, and the cell that it was counted in. */
export interface CountedRequest {
  readonly key: CountedKey
  readonly operation: CountedOperation
  readonly status: number
}

/** Receives what happens to the usage of a request after it was counted. */
export interface UsageListener {
  /** The quantity of a unit grew. `isFirst`: the request had none of this unit before. */
  onAdded(request: CountedRequest, unit: string, quantity: number, isFirst: boolean): void
  /** What was given cannot be counted. */
  onRefused(problem: UsageProblem): void
}

/** Problems kept until the request is counted: an app that gives wrong usage in a loop must not fill the memory. */
const MOST_PROBLEMS = 8
/** More units than an app can declare, for the same reason. */
const MOST_GIVEN = 64

/** Shared, so that a request without usage allocates none. */
const NONE: readonly string[] = []
const NO_QUANTITIES: number[] = []
const NO_PROBLEMS: readonly UsageProblem[] = []

/** The quantities of one request, by the names of their units. Never throws. */
export class RequestUsage {
  /** What was given so far; the two lists belong together. Few units: a search takes less time than a map. */
  units: readonly string[] = NONE
  quantities: number[] = NO_QUANTITIES
  #problems: readonly UsageProblem[] = NO_PROBLEMS
  #counted: CountedRequest | undefined
  #listener: UsageListener | undefined

  /** What could not be counted before the request was. */
  get problems(): readonly UsageProblem[] {
    return this.#problems
  }

  /** The request is counted with what was given so far; from now on each addition is reported. */
  listen(listener: UsageListener, counted: CountedRequest): void {
    this.#listener = listener
    this.#counted = counted
  }

  /** The quantity is this: the last value wins. */
  set(unit: unknown, value: unknown): void {
    if (!this.#isUnit(unit) || !this.#isQuantity(unit, value)) return
    const place = this.units.indexOf(unit)
    const before = this.quantities[place]
    if (this.#listener && before !== undefined && value < before) this.#refuse(decreased(unit, before, value))
    else this.#put(unit, place, value)
  }

  /** Adds to the quantity. */
  add(unit: unknown, value: unknown): void {
    if (!this.#isUnit(unit) || !this.#isQuantity(unit, value)) return
    const place = this.units.indexOf(unit)
    const sum = (this.quantities[place] ?? 0) + value
    if (this.#isQuantity(unit, sum)) this.#put(unit, place, sum)
  }

  #put(unit: string, place: number, quantity: number): void {
    const isFirst = place < 0
    if (isFirst && this.units.length >= MOST_GIVEN) return
    const added = isFirst ? quantity : quantity - this.quantities[place]!
    if (isFirst) {
      // a list that grows by `push` gets room for 17
      this.units = this.units === NONE ? [unit] : [...this.units, unit]
      this.quantities = this.quantities === NO_QUANTITIES ? [quantity] : [...this.quantities, quantity]
    } else this.quantities[place] = quantity
    if (isFirst || added > 0) this.#listener?.onAdded(this.#counted!, unit, added, isFirst)
  }

  #isUnit(unit: unknown): unit is string {
    if (typeof unit === 'string') return true
    const message = `The unit of a usage is ${show(unit)}, expected one of the option "units".`
    this.#refuse({ code: 'USAGE_INVALID', kind: 'unit', message })
    return false
  }

  #isQuantity(unit: string, value: unknown): value is number {
    if (isQuantity(value)) return true
    const kind = `value of ${nameUnit(unit)}`
    this.#refuse({ code: 'USAGE_INVALID', kind, message: describeQuantity(unit, value) })
    return false
  }

  #refuse(problem: UsageProblem): void {
    if (this.#listener) this.#listener.onRefused(problem)
    else if (this.#problems.length < MOST_PROBLEMS) this.#problems = [...this.#problems, problem]
  }
}

/** Whether a value can be the quantity of a request. */
export function isQuantity(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MOST_PER_REQUEST
}

/** What is wrong with a quantity. */
export function describeQuantity(unit: string, value: unknown): string {
  return `The usage of ${nameUnit(unit)} is ${show(value)}, expected a whole number from 0 to ${MOST_PER_REQUEST}.`
}

/** A unit in a message: it may be any text. */
export function nameUnit(unit: string): string {
  return /^\w{1,40}$/.test(unit) ? unit : show(unit)
}

function decreased(unit: string, before: number, value: number): UsageProblem {
  const message = `The usage of ${nameUnit(unit)} was set to ${value} after its request was counted with ${before}, which stays. Set the sum so far, not the last part.`
  return { code: 'USAGE_DECREASED', kind: `decreased ${nameUnit(unit)}`, message }
}

/** A value for a message. What an object holds is not shown: it may be a secret, and looking at it may throw. */
function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : inspect(value, { maxStringLength: 40 })
}
