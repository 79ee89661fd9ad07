import { AnalyticsError } from '../../model/errors.ts'
import { OTHER_KEY, REJECTED_KEY } from '../../model/key.ts'
import type { KeyIdentity } from '../../model/key.ts'
import { toCountedKey, type CountedKey } from '../../model/request-counter.ts'
import { cleanName, copyText } from '../../model/clean-text.ts'
import { keyIdOfName, keyIdOfSecret } from '../../model/compute-key-id.ts'
import { RecentMap } from '../../model/recent-map.ts'

/** Longer inputs are hashed each time, so that clients cannot fill the memory. */
const LONGEST_CACHED = 256
/** Four characters at both ends of a secret of 20 leave 12 unknown ones; a shorter secret would have too few. */
const SHORTEST_SHOWN_SECRET = 20
const RESERVED = new Set([OTHER_KEY, REJECTED_KEY].flatMap((key) => [key.id, key.label]))

export const COUNTED_OTHER = toCountedKey(OTHER_KEY, true)
export const COUNTED_REJECTED = toCountedKey(REJECTED_KEY, true)

/** An `ApiKey` object from the app, unchecked. */
type GivenKey = Partial<Record<'id' | 'name' | 'owner', unknown>>

/** Turns a value from the app or a client (a secret, `{ id, name?, owner? }`, or anything else) into a key to count. */
export type ReadKey = (value: unknown) => CountedKey | undefined

/**
 * Makes a `ReadKey`. It returns nothing for an empty value (`undefined`, `null`, a blank string). An object without a
 * usable id returns nothing too, and a reserved id returns `(other)`. Both are reported, once.
 */
export function createReadKey(
  options: { readonly pepper: string | undefined; readonly maxKeys: number },
  report: (error: AnalyticsError) => void,
): ReadKey {
  const ofSecret = new RecentMap<CountedKey>(options.maxKeys)
  const ofId = new RecentMap<CountedKey>(options.maxKeys)
  const reported = new Set<string>()

  function reportOnce(message: string): void {
    if (reported.has(message)) return
    reported.add(message)
    report(new AnalyticsError('IDENTIFY_FAILED', message))
  }

  /** Looked up by the text as given, because the remembered value is already clean. */
  function findGivenKey(value: GivenKey): CountedKey | undefined {
    const known = typeof value.id === 'string' ? ofId.get(value.id) : undefined
    return known && isNamed(known, value) ? known : readGivenKey(value)
  }

  function readGivenKey(value: GivenKey): CountedKey | undefined {
    const id = readId(value.id)
    if (id === undefined) {
      reportOnce(
        'An API key was given as an object without a usable "id". Give { id } as text or whole number.',
      )
      return undefined
    }
    const known = ofId.get(id)
    if (known && isNamed(known, value)) return known
    if (RESERVED.has(id.toLowerCase())) {
      reportOnce(`The API key id "${id}" is reserved and was counted under (other). Use another id.`)
      return COUNTED_OTHER
    }
    const { id: keyId, label } = known?.identity ?? identifyId(id)
    const [name, owner] = [readName(value.name), readName(value.owner)]
    return remember(ofId, id, toCountedKey({ id: keyId, label, name, owner }))
  }

  function readSecret(given: string): CountedKey | undefined {
    const secret = given.trim()
    if (secret === '') return undefined
    return (
      ofSecret.get(secret) ??
      remember(ofSecret, copyText(secret), toCountedKey(identifySecret(secret, options.pepper)))
    )
  }

  return (value) => {
    if (value === undefined || value === null) return undefined
    return typeof value === 'string' ? (ofSecret.get(value) ?? readSecret(value)) : findGivenKey(value)
  }
}

function identifySecret(secret: string, pepper: string | undefined): KeyIdentity {
  const id = keyIdOfSecret(secret, pepper)
  const label =
    secret.length < SHORTEST_SHOWN_SECRET ? '' : cleanName(`${secret.slice(0, 4)}…${secret.slice(-4)}`)
  return { id, label: label || fingerprint(id), name: null, owner: null }
}

function identifyId(given: string): KeyIdentity {
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

/** Whether a key has these names already, so that they need not be cleaned again. */
function isNamed({ identity }: CountedKey, { name, owner }: GivenKey): boolean {
  return (name || null) === identity.name && (owner || null) === identity.owner
}

function readName(name: unknown): string | null {
  return typeof name === 'string' ? cleanName(name) || null : null
}

function remember(keys: RecentMap<CountedKey>, text: string, key: CountedKey): CountedKey {
  if (text.length <= LONGEST_CACHED) keys.set(text, key)
  return key
}
