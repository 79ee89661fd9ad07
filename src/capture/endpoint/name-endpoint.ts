import { UNMATCHED_ENDPOINT } from '../../model/operation.ts'
import { cleanText } from '../../model/clean-text.ts'
import { shortenEndpoint } from './sanitise-path.ts'

/** The name of an endpoint in the counts: what can be stored of it, in at most `maxBytes`. */
export function nameEndpoint(pattern: string, maxBytes: number): string {
  return shortenEndpoint(cleanText(pattern) || UNMATCHED_ENDPOINT, maxBytes)
}
