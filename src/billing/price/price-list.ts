import { Decimal } from 'decimal.js'
import { AnalyticsError } from '../../model/errors.ts'
import { isUnitName, REQUESTS_UNIT } from '../../model/unit.ts'
import { findPosition } from '../../json/scan-json.ts'

/** Decimal arithmetic that rounds nothing here: quantities have 19 digits at most, and prices 30. */
export const Exact = Decimal.clone({ precision: 120, toExpNeg: -200, toExpPos: 200 })

/** The price of a part of a quantity: up to, and with, a number of units; the last tier has no end. */
export interface PriceTier {
  readonly upTo: Decimal | undefined
  readonly price: Decimal
}

/** What a unit costs on some endpoints. The first rule that fits a line is its rule. */
export interface PriceRule {
  readonly unit: string
  /** A glob over method and path, such as `GET /v1/*`. */
  readonly endpoint: string
  readonly matches: (method: string, endpoint: string) => boolean
  readonly tiers: readonly PriceTier[]
}

/** A file of prices. */
export interface PriceList {
  readonly currency: string
  /** Digits after the decimal point of an amount. */
  readonly digits: number
  readonly rules: readonly PriceRule[]
}

const PRICE = /^\d{1,15}(\.\d{1,15})?$/
const WHOLE = /^\d{1,18}$/

/** Parses a file of prices. @throws WRONG_USAGE that names the line and the remedy */
export function parsePriceList(text: string, path: string): PriceList {
  const fail: Fail = (what, at) =>
    new AnalyticsError('WRONG_USAGE', `${path} line ${lineOf(text, at)}: ${what}`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const [, position] = /position (\d+)/.exec((error as Error).message) ?? []
    const line =
      position === undefined ? text.split('\n').length : text.slice(0, Number(position)).split('\n').length
    throw new AnalyticsError(
      'WRONG_USAGE',
      `${path} line ${line}: this is not JSON. Check commas and quotes.`,
    )
  }
  return readPriceList(value, fail)
}

/** Where a value is in the file: `['prices', 0, 'free']`. */
type Path = readonly (string | number)[]
type Fail = (what: string, at: Path) => AnalyticsError

function readPriceList(value: unknown, fail: Fail): PriceList {
  if (!isObject(value)) throw fail('a price list is an object with "currency" and "prices".', [])
  const { currency, digits, prices, ...rest } = value
  requireKnown(rest, ['currency', 'digits', 'prices'], [], fail)
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) {
    throw fail('"currency" is a code of ISO 4217, such as "EUR".', ['currency'])
  }
  if (digits !== undefined && !(Number.isInteger(digits) && Number(digits) >= 0 && Number(digits) <= 12)) {
    throw fail('"digits" is a whole number from 0 to 12.', ['digits'])
  }
  if (!Array.isArray(prices) || prices.length === 0)
    throw fail('"prices" is a list of at least one price.', ['prices'])
  return {
    currency,
    digits: digits === undefined ? minorDigitsOf(currency) : Number(digits),
    rules: prices.map((rule: unknown, index) => readRule(rule, ['prices', index], fail)),
  }
}

function readRule(value: unknown, at: Path, fail: Fail): PriceRule {
  if (!isObject(value)) throw fail('a price is an object with "unit", "endpoint" and "price" or "tiers".', at)
  const { unit, endpoint = '*', price, free, tiers, ...rest } = value
  requireKnown(rest, ['unit', 'endpoint', 'price', 'free', 'tiers'], at, fail)
  if (unit !== REQUESTS_UNIT && !isUnitName(unit)) {
    throw fail('"unit" is the name of a unit, such as "requests".', [...at, 'unit'])
  }
  if (typeof endpoint !== 'string' || endpoint === '') {
    throw fail('"endpoint" is a pattern such as "GET /v1/*"; leave it out for all endpoints.', [
      ...at,
      'endpoint',
    ])
  }
  if ((price === undefined) === (tiers === undefined)) throw fail('pass either "price" or "tiers".', at)
  const paid =
    tiers === undefined
      ? [{ upTo: undefined, price: readPrice(price, [...at, 'price'], fail) }]
      : readTiers(tiers, [...at, 'tiers'], fail)
  return { unit, endpoint, matches: globOf(endpoint), tiers: withFree(paid, free, [...at, 'free'], fail) }
}

function readTiers(value: unknown, at: Path, fail: Fail): PriceTier[] {
  if (!Array.isArray(value) || value.length === 0) throw fail('"tiers" is a list of at least one tier.', at)
  let last = new Exact(0)
  return value.map((tier: unknown, index) => {
    const here = [...at, index]
    if (!isObject(tier)) throw fail('a tier is an object with "upTo" and "price".', here)
    const { upTo, price, ...rest } = tier
    requireKnown(rest, ['upTo', 'price'], here, fail)
    const isLast = index === value.length - 1
    if (isLast !== (upTo === undefined)) {
      throw fail(
        'every tier but the last one has "upTo"; the last one has none, so that every quantity has a price.',
        here,
      )
    }
    const end = upTo === undefined ? undefined : readWhole(upTo, [...here, 'upTo'], fail)
    if (end && end.lte(last))
      throw fail('"upTo" is larger than that of the tier before, and than 0.', [...here, 'upTo'])
    if (end) last = end
    return { upTo: end, price: readPrice(price, [...here, 'price'], fail) }
  })
}

/** A free quantity is a tier without a price, and moves the others. */
function withFree(tiers: readonly PriceTier[], free: unknown, at: Path, fail: Fail): PriceTier[] {
  if (free === undefined) return [...tiers]
  const end = readWhole(free, at, fail)
  if (end.isZero()) return [...tiers]
  const moved = tiers.map(({ upTo, price }) => ({ upTo: upTo?.plus(end), price }))
  return [{ upTo: end, price: new Exact(0) }, ...moved]
}

function readPrice(value: unknown, at: Path, fail: Fail): Decimal {
  if (typeof value === 'string' && PRICE.test(value)) return new Exact(value)
  throw fail('a price is a decimal number as text, such as "0.002". A JSON number would be rounded.', at)
}

function readWhole(value: unknown, at: Path, fail: Fail): Decimal {
  if (typeof value === 'string' && WHOLE.test(value)) return new Exact(value)
  throw fail('a quantity is a whole number as text, such as "10000".', at)
}

function requireKnown(rest: object, names: readonly string[], at: Path, fail: Fail): void {
  const [unknown] = Object.keys(rest)
  if (unknown === undefined) return
  throw fail(`there is no "${unknown}" here. Use ${names.join(', ')}.`, [...at, unknown])
}

/** Matches `GET /v1/*` against method and path, and `/v1/*` against the path of any method. */
function globOf(pattern: string): (method: string, endpoint: string) => boolean {
  const expression = new RegExp(`^${pattern.split('*').map(escapeExpression).join('[^]*')}$`)
  const hasMethod = /^[A-Z_]+ /.test(pattern)
  return (method, endpoint) => expression.test(hasMethod ? `${method} ${endpoint}` : endpoint)
}

function escapeExpression(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}

function minorDigitsOf(currency: string): number {
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  )
}

/** The line of a value. */
function lineOf(text: string, path: Path): number {
  return text.slice(0, findPosition(text, path)).split('\n').length
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
