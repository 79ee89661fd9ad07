import type { Context } from 'koa'
import { AnalyticsError } from '../../model/errors.ts'
import { UNSET } from '../../model/request-counter.ts'
import type { RequestQuantities, RequestCounter } from '../../model/request-counter.ts'
import { didYouMean, suggest } from '../../model/suggest.ts'
import type { RequestMark } from '../request-mark.ts'
import { nameUnit, RequestUsage } from './request-usage.ts'
import type { CountedRequest, UsageListener, UsageProblem } from './request-usage.ts'

/** Kinds of problems remembered as reported, so that each is reported once. */
const MOST_KINDS = 100

interface UsageReaderParts {
  readonly units: readonly string[]
  readonly counter: RequestCounter
  readonly report: (error: AnalyticsError) => void
}

/** Reads the usage of requests that are about to be counted, and counts what is given to them later. */
export class UsageReader implements UsageListener {
  readonly #parts: UsageReaderParts
  readonly #reported = new Set<string>()
  /** Used again for each request: the counter reads it at once. */
  readonly #quantities: Float64Array

  constructor(parts: UsageReaderParts) {
    this.#parts = parts
    this.#quantities = new Float64Array(parts.units.length)
  }

  /**
   * The quantities of a request, valid until the next call; undefined when it has none. What is given later is added to
   * the same cell, in the bucket that is open then.
   */
  read(ctx: Context, mark: RequestMark, counted: CountedRequest): RequestQuantities | undefined {
    const { units } = this.#parts
    if (units.length > 0) this.#readState(ctx, mark)
    const usage = (mark.usage ??= new RequestUsage())
    if (usage.problems.length > 0) for (const problem of usage.problems) this.onRefused(problem)
    for (let place = 0; place < usage.units.length; place += 1) {
      const unit = usage.units[place]!
      if (!units.includes(unit)) this.onRefused(undeclared(unit, units))
    }
    // After the reports: `onError` of the app may give usage too. From here on nothing of the app is called.
    usage.listen(this, counted)
    return usage.units.length > 0 ? this.#placeQuantities(usage) : undefined
  }

  onAdded(
    { key, operation, status }: CountedRequest,
    unit: string,
    quantity: number,
    isFirst: boolean,
  ): void {
    const { units, counter, report } = this.#parts
    const place = units.indexOf(unit)
    if (place < 0) return this.onRefused(undeclared(unit, units))
    try {
      counter.addQuantity(key, operation, status, place, quantity, isFirst)
    } catch (cause) {
      const message = 'Counting a usage failed; it is missing from the quantities. See the cause.'
      report(new AnalyticsError('INTERNAL', message, { cause }))
    }
  }

  /** Reports each kind of problem once. */
  onRefused({ code, kind, message }: UsageProblem): void {
    if (this.#reported.has(kind) || this.#reported.size >= MOST_KINDS) return
    this.#reported.add(kind)
    this.#parts.report(new AnalyticsError(code, message))
  }

  #placeQuantities(usage: RequestUsage): RequestQuantities {
    const { units } = this.#parts
    for (let place = 0; place < units.length; place += 1) {
      const given = usage.units.indexOf(units[place]!)
      this.#quantities[place] = given < 0 ? UNSET : usage.quantities[given]!
    }
    return this.#quantities
  }

  /** Everything in it is the app's: reading it may throw. */
  #readState(ctx: Context, mark: RequestMark): void {
    try {
      const given: unknown = (ctx.state as { usage?: unknown }).usage
      if (given === undefined || given === null) return
      if (typeof given !== 'object' || Array.isArray(given)) return this.onRefused(UNREADABLE_STATE)
      const usage = (mark.usage ??= new RequestUsage())
      for (const unit of Object.keys(given)) usage.set(unit, readField(given, unit))
    } catch {
      this.onRefused(UNREADABLE_STATE)
    }
  }
}

const UNREADABLE_STATE: UsageProblem = {
  code: 'USAGE_INVALID',
  kind: 'state',
  message: 'ctx.state.usage cannot be read. Expected an object such as { tokens: 1532 }.',
}

/** A field that throws costs itself, and not the others: its value is no quantity then. */
function readField(given: object, name: string): unknown {
  try {
    return (given as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}

function undeclared(unit: string, units: readonly string[]): UsageProblem {
  const near = unit.length <= 40 ? suggest(unit, units) : []
  const hint = didYouMean(near) || ' Add it to the option "units".'
  const message = `The unit ${nameUnit(unit)} is not declared, so its usage is not counted.${hint}`
  return { code: 'USAGE_INVALID', kind: `undeclared ${nameUnit(unit)}`, message }
}
