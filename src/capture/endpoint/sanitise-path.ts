import { hash } from 'node:crypto'

/** What the seed keeps of a raw path: printable ASCII. */
const UNPRINTABLE = /[^\x20-\x7e]/g
/** 48 bits: one collision among 16 million different long paths is about as likely as not. */
const HASH_CHARACTERS = 12

/**
 * Makes a raw path an endpoint: printable ASCII only, repeated slashes folded, at most `maxBytes`. Where more than
 * slashes was lost, a hash of the path keeps different paths apart.
 */
export function sanitisePath(path: string, maxBytes: number): string {
  const folded = path.replace(/\/{2,}/g, '/')
  const printable = folded.replace(UNPRINTABLE, '')
  if (printable === folded) return shortenEndpoint(folded || '/', maxBytes)
  return cutWithHash(printable, folded, maxBytes)
}

/** Cuts an endpoint to `maxBytes` of UTF-8 between two characters; a hash of the whole keeps the cut ones apart. */
export function shortenEndpoint(endpoint: string, maxBytes: number): string {
  // A UTF-16 unit takes at most three bytes: most endpoints need no counting.
  if (endpoint.length * 3 <= maxBytes || Buffer.byteLength(endpoint) <= maxBytes) return endpoint
  return cutWithHash(endpoint, endpoint, maxBytes)
}

/** The path of a request target, without query string and, for a request to a proxy, without scheme and host. */
export function readRawPath(target: string): string {
  const path = target.split(/[?#]/, 1)[0] as string
  return path.startsWith('/') ? path : path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '')
}

/** The ellipsis is no printable ASCII, so no path that a client sends looks like a cut one. */
function cutWithHash(text: string, original: string, maxBytes: number): string {
  const suffix = `…${hash('sha256', original, 'hex').slice(0, HASH_CHARACTERS)}`
  const bytes = Buffer.from(text).subarray(0, maxBytes - Buffer.byteLength(suffix))
  // Streaming holds back the bytes of a character that the cut went through.
  return new TextDecoder().decode(bytes, { stream: true }) + suffix
}
