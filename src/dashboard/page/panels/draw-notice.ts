import type { Key } from '../ask-api.ts'
import { displayNameOf } from '../format.ts'
import { foreign, make } from '../make.ts'

/** The addresses of pages of a key and of a customer. */
export interface Addresses {
  readonly addressOfKey: (key: Key) => string
  readonly addressOfOwner: (owner: string) => string
}

/** What is said about one key or customer. */
export interface Notice {
  readonly severity: string
  readonly title: string
  readonly key: Key | null
  /** Only of a notice about a customer. */
  readonly owner: string | null
}

/** A name and what is said about it. */
type Fact = readonly [name: string, ...value: (Node | string)[]]

/** Facts as a list. */
export function describeFacts(facts: readonly Fact[]): HTMLElement {
  return make(
    'dl',
    {},
    ...facts.flatMap(([name, ...value]) => [make('dt', {}, name), make('dd', {}, ...value)]),
  )
}

/** A finding or an alert, with a way to the page of whom it is about. */
export function drawNotice(
  { severity, title, key, owner }: Notice,
  facts: HTMLElement,
  addresses: Addresses,
): HTMLElement {
  const severe = make('span', { class: 'severity' }, severity)
  return make(
    'article',
    { class: `finding ${severity}` },
    make('h3', {}, severe, ` ${title} `, drawWho(key, owner, addresses)),
    facts,
  )
}

function drawWho(key: Key | null, owner: string | null, addresses: Addresses): HTMLElement {
  if (key) return make('a', { href: addresses.addressOfKey(key) }, foreign(displayNameOf(key)))
  if (owner !== null) return make('a', { href: addresses.addressOfOwner(owner) }, foreign(owner))
  return make('span', {}, 'many keys')
}
