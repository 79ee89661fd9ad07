import { AnalyticsError } from '../errors.ts'
import { OTHER_KEY, REJECTED_KEY } from '../usage.ts'
import type { KeyIdentity } from '../usage.ts'
import { cleanName } from './clean-text.ts'
import { keyIdOfName, keyIdOfSecret } from './compute-key-id.ts'
import { RecentMap } from './recent-map.ts'

/** Longer inputs are hashed each time: the caches stay small whatever clients send. */
const LONGEST_CACHED = 256
/** Four characters at either end of a secret of 20 leave 12 unknown ones; of a shorter secret too few. */
const SHORTEST_SHOWN_SECRET = 20
const RESERVED = new Set([OTHER_KEY, REJECTED_KEY].flatMap((key) => [key.id, key.label]))

/** Turns what an app or a client gave as a key (a secret, `{ id, name?, owner? }`, or anything) into an identity. */
export type ReadKey = (value: unknown) => KeyIdentity | undefined

/**
 * Makes a `ReadKey`. It gives nothing for nothing (`undefined`, `null`, a blank string). An object without a usable
 * id gives nothing either, a reserved id gives `(other)`; both are reported, once.
 */
export function createReadKey(
  options: { readonly pepper: string | undefined; readonly maxKeys: number },
  report: (error: AnalyticsError) => void,
): ReadKey {
  const ofSecret = remember(options.maxKeys, (secret) => identifySecret(secret, options.pepper))
  const ofId = remember(options.maxKeys, identifyId)
  const reported = new Set<string>()

  function reportOnce(message: string): void {
    if (reported.has(message)) return
    reported.add(message)
    report(new AnalyticsError('IDENTIFY_FAILED', message))
  }

  function readNamedKey(value: { id?: unknown; name?: unknown; owner?: unknown }): KeyIdentity | undefined {
    const id = readId(value.id)
    if (id === undefined) {
      reportOnce(
        'An API key was given as an object without a usable "id". Give { id } as text or whole number.',
      )
      return undefined
    }
    const key = ofId(id)
    if (key !== OTHER_KEY) return withNames(key, value.name, value.owner)
    reportOnce(`The API key id "${id}" is reserved and was counted under (other). Use another id.`)
    return key
  }

  return (value) => {
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'string') return readNamedKey(value)
    const secret = value.trim()
    return secret === '' ? undefined : ofSecret(secret)
  }
}

function identifySecret(secret: string, pepper: string | undefined): KeyIdentity {
  const id = keyIdOfSecret(secret, pepper)
  const label =
    secret.length < SHORTEST_SHOWN_SECRET ? '' : cleanName(`${secret.slice(0, 4)}…${secret.slice(-4)}`)
  return { id, label: label || fingerprint(id), name: null, owner: null }
}

function identifyId(given: string): KeyIdentity {
  if (RESERVED.has(given.toLowerCase())) return OTHER_KEY
  const id = keyIdOfName(given)
  return { id, label: cleanName(given) || fingerprint(id), name: null, owner: null }
}

function fingerprint(id: string): string {
  return `key-${id.slice(0, 8)}`
}

function readId(id: unknown): string | undefined {
  if (typeof id === 'string') return id.trim() || undefined
  return typeof id === 'bigint' || Number.isSafeInteger(id) ? String(id) : undefined
}

function withNames(key: KeyIdentity, name: unknown, owner: unknown): KeyIdentity {
  if (!name && !owner) return key
  return { id: key.id, label: key.label, name: readName(name), owner: readName(owner) }
}

function readName(name: unknown): string | null {
  return typeof name === 'string' ? cleanName(name) || null : null
}

function remember(size: number, identify: (text: string) => KeyIdentity): (text: string) => KeyIdentity {
  const recent = new RecentMap<KeyIdentity>(size)
  return (text) => {
    const known = recent.get(text)
    if (known) return known
    const key = identify(text)
    if (text.length <= LONGEST_CACHED) recent.set(text, key)
    return key
  }
}
