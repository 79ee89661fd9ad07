import { METHODS } from 'node:http'
import { describeType } from '../model/describe-value.ts'
import { AnalyticsError } from '../model/errors.ts'
import type { ApiKey } from '../model/key.ts'
import type { Operation } from '../model/operation.ts'
import { toCountedOperation, UNSET } from '../model/request-counter.ts'
import type { CountedOperation, RequestQuantities, RequestCounter } from '../model/request-counter.ts'
import { cleanText, copyText } from '../model/clean-text.ts'
import type { KnownKeys } from './key/known-keys.ts'
import type { ReadKey } from './key/read-key.ts'
import { RecentMap } from '../model/recent-map.ts'
import { describeQuantity, isQuantity, nameUnit } from './usage/request-usage.ts'
import { shortenEndpoint } from './endpoint/sanitise-path.ts'

/** A year. Even the sum of some hundred is a whole number of microseconds. */
const LONGEST_MS = 365 * 86_400_000

/** One access as code reports it. */
export interface EndpointAccess extends Operation {
  /** 100 to 599. Default: 200. */
  readonly status?: number | undefined
  /** 0 or more. Without it the access counts in no latency, and as 0 in the mean. */
  readonly durationMs?: number | undefined
  /** Quantities by unit, such as `{ tokens: 1532 }`. */
  readonly usage?: Readonly<Record<string, number>> | undefined
}

/** Beyond this number, the operation is made again for each access. */
const OPERATIONS_REMEMBERED = 5000

/** Counts one access; see `createCountAccess`. */
export type CountAccess = (
  key: ApiKey,
  operation: EndpointAccess | string,
  more?: Pick<EndpointAccess, 'usage'>,
) => void

export interface AccessParts {
  readonly readKey: ReadKey
  readonly counter: RequestCounter
  readonly knownKeys: KnownKeys
  readonly options: { readonly maxEndpointLength: number; readonly units: readonly string[] }
}

/**
 * Makes the function that counts one access reported by code, through the same counter as requests. It throws
 * ARGUMENT_INVALID with the part that cannot be counted, and never with the key.
 */
export function createCountAccess({ readKey, counter, knownKeys, options }: AccessParts): CountAccess {
  const operations = new RecentMap<CountedOperation>(OPERATIONS_REMEMBERED)

  function findOperation(method: string, endpoint: string): CountedOperation {
    const name = `${method} ${endpoint}`
    const known = operations.get(name)
    if (known) return known
    const operation = toCountedOperation(method, copyText(endpoint))
    operations.set(name, operation)
    return operation
  }

  return (given, operation, more) => {
    const key = readKey(given)
    if (!key) throw new AnalyticsError('ARGUMENT_INVALID', 'No API key was given. Give a secret or { id }.')
    const { method, endpoint, status = 200, durationMs, usage = more?.usage } = readAccess(operation)
    const quantities = readQuantities(usage, options.units)
    knownKeys.learn(key)
    const counted = findOperation(method, shortenEndpoint(endpoint, options.maxEndpointLength))
    const durationUs = durationMs === undefined ? undefined : Math.round(durationMs * 1000)
    counter.count(key, counted, status, durationUs, undefined, quantities)
  }
}

function readAccess(operation: EndpointAccess | string): EndpointAccess {
  // Every field is unchecked: the app may not use TypeScript.
  const access: Partial<Record<keyof EndpointAccess, unknown>> =
    typeof operation === 'string' ? splitOperation(operation) : (operation ?? {})
  const method = readOperationText(access.method).toUpperCase()
  const endpoint = cleanText(readOperationText(access.endpoint))
  const status = Number(access.status ?? 200)
  const durationMs = isGiven(access.durationMs) ? Number(access.durationMs) : undefined
  // only its type, because it may be a secret: of swapped arguments
  if (!METHODS.includes(method) || endpoint === '') {
    const expected = "a method of HTTP and an endpoint, such as 'GET /users/:id'"
    refuseArgument('operation', describeType(operation), expected)
  }
  if (!(Number.isInteger(status) && status >= 100 && status <= 599))
    refuseArgument('status', status, '100 to 599')
  if (durationMs !== undefined && !(durationMs >= 0 && durationMs <= LONGEST_MS)) {
    refuseArgument('durationMs', durationMs, `0 to ${LONGEST_MS}`)
  }
  return { method, endpoint, status, durationMs, usage: access.usage as EndpointAccess['usage'] }
}

function readQuantities(usage: unknown, units: readonly string[]): RequestQuantities | undefined {
  if (usage === undefined || usage === null) return undefined
  if (typeof usage !== 'object' || Array.isArray(usage)) {
    return refuseArgument('usage', describeType(usage), 'an object such as { tokens: 1532 }')
  }
  const quantities = new Float64Array(units.length).fill(UNSET)
  for (const [unit, quantity] of Object.entries(usage)) {
    const place = units.indexOf(unit)
    if (place < 0)
      refuseArgument(
        'unit of usage',
        nameUnit(unit),
        `one of the option "units" (${units.join(', ') || 'none'})`,
      )
    if (!isQuantity(quantity)) {
      throw new AnalyticsError('ARGUMENT_INVALID', describeQuantity(unit, quantity))
    }
    quantities[place] = quantity
  }
  return quantities
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

const readOperationText = (value: unknown): string => (typeof value === 'string' ? value : '')

function splitOperation(operation: string): Operation {
  const [method = '', ...rest] = operation.trim().split(/\s+/)
  return { method, endpoint: rest.join(' ') }
}

function refuseArgument(name: string, found: string | number, expected: string): never {
  throw new AnalyticsError('ARGUMENT_INVALID', `The ${name} is ${found}, expected ${expected}.`)
}
