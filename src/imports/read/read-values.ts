import { cleanName, cleanText } from '../../model/clean-text.ts'
import { nameMethod } from '../../capture/endpoint/name-method.ts'
import { sanitisePath, shortenEndpoint } from '../../capture/endpoint/sanitise-path.ts'
import { refuseLine, maskValue } from './refuse-line.ts'

const MOST_QUANTITY = 2n ** 63n - 1n
/** As an app counts them. */
const LONGEST_ENDPOINT = 500
/** A query string: it may hold a secret. A pattern such as `/users/:id?` has no `=` after its question mark. */
const QUERY = /\?[^?]*=.*$/s

/** A whole number, 0 to 2^53 - 1. @throws WRONG_USAGE */
export function readCount(value: unknown, name: string, line: number): number {
  const number = typeof value === 'string' && /^\s*\d{1,19}\s*$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw refuseLine(line, `${name} is ${describe(value)}. It must be a whole number from 0 to 2^53 - 1.`)
}

/** A whole number, 0 to 2^63 - 1. @throws WRONG_USAGE */
export function readQuantity(value: unknown, name: string, line: number): bigint {
  const isWhole = typeof value === 'string' ? /^\s*\d{1,19}\s*$/.test(value) : Number.isSafeInteger(value)
  const quantity = typeof value === 'bigint' ? value : isWhole ? BigInt(value as string | number) : -1n
  if (quantity >= 0n && quantity <= MOST_QUANTITY) return quantity
  throw refuseLine(line, `${name} is ${describe(value)}. It must be a whole number from 0 to 2^63 - 1.`)
}

/** A status, 100 to 599. @throws WRONG_USAGE */
export function readStatus(value: unknown, name: string, line: number): number {
  const status = typeof value === 'string' && /^\s*\d{3}\s*$/.test(value) ? Number(value) : value
  if (typeof status === 'number' && Number.isInteger(status) && status >= 100 && status <= 599) return status
  throw refuseLine(line, `${name} is ${describe(value)}. It must be an HTTP status from 100 to 599.`)
}

/** A method; one that HTTP does not know is `_OTHER`, as an app counts it. @throws WRONG_USAGE */
export function readMethod(value: unknown, name: string, line: number): string {
  return nameMethod(readText(value, name, line).toUpperCase())
}

/** An endpoint without query string, at most 500 bytes. @throws WRONG_USAGE */
export function readEndpoint(value: unknown, name: string, line: number): string {
  const endpoint = cleanText(readText(value, name, line)).replace(QUERY, '')
  return shortenEndpoint(endpoint || '/', LONGEST_ENDPOINT)
}

/** A raw path as an endpoint. @throws WRONG_USAGE */
export function readPath(value: unknown, name: string, line: number): string {
  return sanitisePath(readText(value, name, line).replace(QUERY, ''), LONGEST_ENDPOINT)
}

/** A name or owner, at most 200 characters; null when there is none. @throws WRONG_USAGE */
export function readName(value: unknown, name: string, line: number): string | null {
  if (value === null || value === undefined) return null
  return cleanName(readText(value, name, line, true)) || null
}

/** A text, or a number as one. @throws WRONG_USAGE when it is empty */
export function readText(value: unknown, name: string, line: number, isOptional = false): string {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
  if (typeof text === 'string' && (isOptional || text.trim() !== '')) return text.trim()
  throw refuseLine(line, `${name} is ${typeof value === 'string' || value == null ? 'empty' : 'no text'}.`)
}

const describe = (value: unknown) => (value === null || value === undefined ? 'empty' : maskValue(value))
