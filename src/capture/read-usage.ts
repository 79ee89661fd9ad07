import type { Context } from 'koa'
import { AnalyticsError } from '../model/errors.ts'
import type { CountedKey, CountedOperation, Quantities, RequestCounter } from '../model/request-counter.ts'
import { didYouMean, suggest } from '../options/suggest.ts'
import type { RequestMark } from './request-mark.ts'
import { RequestUsage } from './request-usage.ts'
import type { UsageListener, UsageProblem } from './request-usage.ts'

/** Kinds of problems remembered as reported, so that each is reported once. */
const MOST_KINDS = 100

interface UsageReaderParts {
  readonly units: readonly string[]
  readonly counter: RequestCounter
  readonly report: (error: AnalyticsError) => void
}

/** Reads the usage of requests that are about to be counted. */
export class UsageReader {
  readonly #parts: UsageReaderParts
  readonly #places: ReadonlyMap<string, number>
  readonly #reported = new Set<string>()

  constructor(parts: UsageReaderParts) {
    this.#parts = parts
    this.#places = new Map(parts.units.map((unit, place) => [unit, place]))
  }

  /**
   * The quantities of a request. What is given later is added to the cell of this key, operation and status, in the
   * bucket that is open then.
   */
  read(
    ctx: Context,
    mark: RequestMark,
    key: CountedKey,
    operation: CountedOperation,
    status: number,
  ): Quantities | undefined {
    if (this.#parts.units.length > 0) this.#readState(ctx, mark)
    const request = new CountedRequest(this, key, operation, status)
    mark.usageListener = request
    const { usage } = mark
    if (!usage) return undefined
    usage.listen(request)
    for (const problem of usage.problems) this.refuse(problem)
    const quantities: (number | undefined)[] = []
    for (const [unit, quantity] of usage.quantities) {
      const place = this.#placeOf(unit)
      if (place !== undefined) quantities[place] = quantity
    }
    return quantities
  }

  /** Adds to a request that was counted. */
  add({ key, operation, status }: CountedRequest, unit: string, quantity: number, isFirst: boolean): void {
    try {
      const place = this.#placeOf(unit)
      if (place === undefined) return
      this.#parts.counter.addQuantity(key, operation, status, place, quantity, isFirst)
    } catch (cause) {
      const message = 'Counting a usage failed; it is missing from the quantities. See the cause.'
      this.#parts.report(new AnalyticsError('INTERNAL', message, { cause }))
    }
  }

  /** Reports each kind of problem once. */
  refuse({ code, kind, message }: UsageProblem): void {
    if (this.#reported.has(kind) || this.#reported.size >= MOST_KINDS) return
    this.#reported.add(kind)
    this.#parts.report(new AnalyticsError(code, message))
  }

  #placeOf(unit: string): number | undefined {
    const place = this.#places.get(unit)
    if (place === undefined) this.refuse(undeclared(unit, this.#parts.units))
    return place
  }

  /** Everything in it is the app's: reading it may throw. */
  #readState(ctx: Context, mark: RequestMark): void {
    try {
      const given: unknown = (ctx.state as { usage?: unknown }).usage
      if (given === undefined || given === null) return
      if (typeof given !== 'object' || Array.isArray(given)) return this.refuse(UNREADABLE_STATE)
      mark.usage ??= new RequestUsage(undefined)
      for (const unit of Object.keys(given)) mark.usage.set(unit, readField(given, unit))
    } catch {
      this.refuse(UNREADABLE_STATE)
    }
  }
}

/** One request, for what it is given after it was counted. */
class CountedRequest implements UsageListener {
  readonly #reader: UsageReader
  readonly key: CountedKey
  readonly operation: CountedOperation
  readonly status: number

  constructor(reader: UsageReader, key: CountedKey, operation: CountedOperation, status: number) {
    this.#reader = reader
    this.key = key
    this.operation = operation
    this.status = status
  }

  onAdded(unit: string, quantity: number, isFirst: boolean): void {
    this.#reader.add(this, unit, quantity, isFirst)
  }

  onRefused(problem: UsageProblem): void {
    this.#reader.refuse(problem)
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
  const hint = didYouMean(suggest(unit, units)) || ' Add it to the option "units".'
  const message = `The unit ${unit} is not declared, so its usage is not counted.${hint}`
  return { code: 'USAGE_INVALID', kind: `undeclared ${unit}`, message }
}
