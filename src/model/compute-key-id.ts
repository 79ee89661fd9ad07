import { createHash, createHmac } from 'node:crypto'
import { formatUuid } from './uuid.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The id of a secret: a UUID made of the first 16 bytes of HMAC-SHA256(pepper, `secret:` + secret), or of SHA-256
 * without a pepper. Every process with the same pepper computes the same id, and none needs a lookup.
 */
export function keyIdOfSecret(secret: string, pepper: string | undefined): string {
  const hash = pepper === undefined ? createHash('sha256') : createHmac('sha256', pepper)
  return formatUuid(hash.update(`secret:${secret}`).digest('hex'))
}

/** The id of a key that the app names itself: a UUID stays (in lower case), any other text is hashed to one. */
export function keyIdOfName(id: string): string {
  return UUID.test(id) ? id.toLowerCase() : formatUuid(createHash('sha256').update(`id:${id}`).digest('hex'))
}

/** What a database keeps to notice that it is used with another pepper; empty without a pepper. */
export function pepperCheck(pepper: string | undefined): string {
  return pepper === undefined
    ? ''
    : createHmac('sha256', pepper).update('apikey-analytics pepper check').digest('hex')
}
