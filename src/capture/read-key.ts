import { AnalyticsError } from '../model/errors.ts'
import type { CountedKey } from '../model/request-counter.ts'
import { OTHER_KEY, REJECTED_KEY } from '../model/key.ts'
import type { KeyIdentity } from '../model/key.ts'
import { cleanName, copyText } from './clean-text.ts'
import { keyIdOfName, keyIdOfSecret } from './compute-key-id.ts'
import { RecentMap } from './recent-map.ts'

/** Longer inputs are hashed each time: the caches stay small whatever clients send. */
const LONGEST_CACHED = 256
/** Four characters at either end of a secret of 20 leave 12 unknown ones; of a shorter secret too few. */
const SHORTEST_SHOWN_SECRET = 20
const RESERVED = new Set([OTHER_KEY, REJECTED_KEY].flatMap((key) => [key.id, key.label]))

/** Whose request it is. The same object as long as it is remembered, so that what was found out about it stays. */
export interface Caller extends CountedKey {
  /** Known to be real: `KnownKeys` need not be asked again. */
  learned: boolean
  /** The names of the identity once more, so that a look at them touches nothing else in memory. */
  readonly name: string | null
  readonly owner: string | null
}

export const OTHER_CALLER = toCaller(OTHER_KEY, true)
export const REJECTED_CALLER = toCaller(REJECTED_KEY, true)

/** A caller of whom nothing was found out yet. */
export function toCaller(identity: KeyIdentity, learned = false): Caller {
  const { name, owner } = identity
  // what each request reads comes first, in one line of the processor's cache
  return { epoch: 0, number: 0, learned, name, owner, identity }
}

/** What an app gave as an object, unchecked. */
interface NamedKey {
  readonly id?: unknown
  readonly name?: unknown
  readonly owner?: unknown
}

/** Turns what an app or a client gave as a key (a secret, `{ id, name?, owner? }`, or anything) into a caller. */
export type ReadKey = (value: unknown) => Caller | undefined

/**
 * Makes a `ReadKey`. It gives nothing for nothing (`undefined`, `null`, a blank string). An object without a usable
 * id gives nothing either, a reserved id gives `(other)`; both are reported, once.
 */
export function createReadKey(
  options: { readonly pepper: string | undefined; readonly maxKeys: number },
  report: (error: AnalyticsError) => void,
): ReadKey {
  const ofSecret = new RecentMap<Caller>(options.maxKeys)
  const ofId = new RecentMap<Caller>(options.maxKeys)
  const reported = new Set<string>()

  function reportOnce(message: string): void {
    if (reported.has(message)) return
    reported.add(message)
    report(new AnalyticsError('IDENTIFY_FAILED', message))
  }

  /** As given first: what is remembered is clean already. */
  function findNamedKey(value: NamedKey): Caller | undefined {
    const known = typeof value.id === 'string' ? ofId.get(value.id) : undefined
    return known && isNamed(known, value) ? known : readNamedKey(value)
  }

  function readNamedKey(value: NamedKey): Caller | undefined {
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
      return OTHER_CALLER
    }
    const { id: keyId, label } = known?.identity ?? identifyId(id)
    const [name, owner] = [readName(value.name), readName(value.owner)]
    return remember(ofId, id, toCaller({ id: keyId, label, name, owner }))
  }

  function readSecret(given: string): Caller | undefined {
    const secret = given.trim()
    if (secret === '') return undefined
    return (
      ofSecret.get(secret) ??
      remember(ofSecret, copyText(secret), toCaller(identifySecret(secret, options.pepper)))
    )
  }

  return (value) => {
    if (value === undefined || value === null) return undefined
    return typeof value === 'string' ? (ofSecret.get(value) ?? readSecret(value)) : findNamedKey(value)
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

/** Whether a caller has these names already: then nothing is cleaned or made anew. */
function isNamed(caller: Caller, { name, owner }: NamedKey): boolean {
  return (name || null) === caller.name && (owner || null) === caller.owner
}

function readName(name: unknown): string | null {
  return typeof name === 'string' ? cleanName(name) || null : null
}

function remember(callers: RecentMap<Caller>, text: string, caller: Caller): Caller {
  if (text.length <= LONGEST_CACHED) callers.set(text, caller)
  return caller
}
