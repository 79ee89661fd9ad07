import { METHODS } from 'node:http'
import { OTHER_METHOD, UNMATCHED_ENDPOINT } from '../model/operation.ts'
import { cleanText } from './clean-text.ts'
import { shortenEndpoint } from './sanitise-path.ts'

const KNOWN_METHODS = new Set(METHODS)

/** The name of an endpoint in the counts: what can be stored of it, in at most `maxBytes`. */
export function nameEndpoint(pattern: string, maxBytes: number): string {
  return shortenEndpoint(cleanText(pattern) || UNMATCHED_ENDPOINT, maxBytes)
}

/** The name of a method in the counts. */
export function nameMethod(method: string): string {
  return KNOWN_METHODS.has(method) ? method : OTHER_METHOD
}
