import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** A value as canonical JSON (RFC 8785): equal values give equal bytes, whatever wrote them. */
export function canonicalJson(value: object): string {
  return canonicalize(value)!
}

/** The SHA-256 of a text, hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
