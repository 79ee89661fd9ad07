import { inspect } from 'node:util'
import { isUnitName, MOST_PER_REQUEST } from '../model/unit.ts'

/** Receives what happens to the usage of a request after it was counted. */
export interface UsageListener {
  /** A quantity of a unit grew. `isFirst`: the request had none of this unit before. */
  onAdded(unit: string, quantity: number, isFirst: boolean): void
  /** What was given cannot be counted. */
  onRefused(problem: UsageProblem): void
}

/** What an app gave that cannot be counted. */
export interface UsageProblem {
  readonly code: 'USAGE_INVALID' | 'USAGE_DECREASED'
  /** Each kind is reported once. */
  readonly kind: string
  readonly message: string
}

/** Problems kept until the request is counted: an app that gives wrong usage in a loop must not fill the memory. */
const MOST_PROBLEMS = 8
/** More units than an app can declare, for the same reason. */
const MOST_GIVEN = 64

/** The quantities of one request, by the names of their units. Never throws. */
export class RequestUsage {
  /** What was given so far. */
  readonly quantities = new Map<string, number>()
  /** What could not be counted before the request was. */
  readonly problems: UsageProblem[] = []
  #listener: UsageListener | undefined

  /** `listener`: of a request that was counted already. */
  constructor(listener: UsageListener | undefined) {
    this.#listener = listener
  }

  /** The request is counted with what was given so far; from now on each addition is reported. */
  listen(listener: UsageListener): void {
    this.#listener = listener
  }

  /** The quantity is this: the last value wins. */
  set(unit: unknown, value: unknown): void {
    const name = this.#readUnit(unit)
    if (name === undefined || !this.#isQuantity(name, value)) return
    const before = this.quantities.get(name)
    if (this.#listener && before !== undefined && value < before) this.#refuse(decreased(name, before, value))
    else this.#put(name, value, before)
  }

  /** Adds to the quantity. */
  add(unit: unknown, value: unknown): void {
    const name = this.#readUnit(unit)
    if (name === undefined || !this.#isQuantity(name, value)) return
    const before = this.quantities.get(name)
    const sum = (before ?? 0) + value
    if (this.#isQuantity(name, sum)) this.#put(name, sum, before)
  }

  #put(unit: string, quantity: number, before: number | undefined): void {
    if (before === undefined && this.quantities.size >= MOST_GIVEN) return
    this.quantities.set(unit, quantity)
    if (quantity !== before) this.#listener?.onAdded(unit, quantity - (before ?? 0), before === undefined)
  }

  #readUnit(unit: unknown): string | undefined {
    if (isUnitName(unit)) return unit
    const message = `The unit of a usage is ${show(unit)}, expected one of the option "units".`
    this.#refuse({ code: 'USAGE_INVALID', kind: 'unit', message })
    return undefined
  }

  #isQuantity(unit: string, value: unknown): value is number {
    if (isQuantity(value)) return true
    this.#refuse({ code: 'USAGE_INVALID', kind: `value of ${unit}`, message: describeQuantity(unit, value) })
    return false
  }

  #refuse(problem: UsageProblem): void {
    if (this.#listener) this.#listener.onRefused(problem)
    else if (this.problems.length < MOST_PROBLEMS) this.problems.push(problem)
  }
}

/** Whether a value can be the quantity of a request. */
export function isQuantity(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MOST_PER_REQUEST
}

/** What is wrong with a quantity. */
export function describeQuantity(unit: string, value: unknown): string {
  return `The usage of ${unit} is ${show(value)}, expected a whole number from 0 to ${MOST_PER_REQUEST}.`
}

function decreased(unit: string, before: number, value: number): UsageProblem {
  const message = `The usage of ${unit} was set to ${value} after its request was counted with ${before}, which stays. Set the sum so far, not the last part.`
  return { code: 'USAGE_DECREASED', kind: `decreased ${unit}`, message }
}

/** A value for a message. What an object holds is not shown: it may be a secret, and looking at it may throw. */
function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : inspect(value, { maxStringLength: 40 })
}
