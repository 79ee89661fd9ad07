import { describeQuantities, groupDigits } from '../../../model/quantities.ts'
import type { ShownStatement } from '../ask-api.ts'
import { countOf } from '../format.ts'
import { make } from '../make.ts'
import type { View } from '../view.ts'
import { drawCorrections } from './bill-columns.ts'

/** A card for each unit with what is billed of it. */
export function drawBilled({ usage, period, keys }: ShownStatement): HTMLElement[] {
  const about = `of ${countOf(keys, 'key')} in ${period.label}`
  return Object.entries(usage).map(([unit, quantity]) =>
    make(
      'div',
      { class: 'card' },
      make('h2', {}, unit),
      make('p', { class: 'value' }, groupDigits(quantity)),
      make('p', { class: 'change' }, about),
    ),
  )
}

/** What a statement says about itself. */
export function drawFacts(view: View, statement: ShownStatement): HTMLElement[] {
  const { period, billable, corrections, acceptedMissing, hash, previousHash, publicKey, database } =
    statement
  const missing = describeQuantities(acceptedMissing)
  const facts: [string, (Node | string)[]][] = [
    ['Period', [`${period.since} to ${period.until} (${period.timeZone})`]],
    ['Billed', [`requests with status ${billable.join(', ')}`]],
    ...(corrections.length > 0
      ? [['Corrections', drawCorrections(view, corrections)] satisfies [string, (Node | string)[]]]
      : []),
    ['Closed', [statement.closedAt]],
    ...(missing
      ? [
          ['Missing', [`${missing} were counted, never arrived and are not billed`]] satisfies [
            string,
            string[],
          ],
        ]
      : []),
    ['Hash', [hash]],
    ['Hash before', [previousHash ?? 'none, this is the first one']],
    ['Signature', [publicKey === null ? 'none' : `Ed25519, public key ${publicKey}`]],
    ['Database', [database]],
  ]
  return facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, ...value)])
}
