import { createReadKey } from '../../capture/key/read-key.ts'
import type { KeyIdentity } from '../../model/key.ts'
import { refuseLine } from './refuse-line.ts'

/** The key of a row, with the id that an app with the same pepper computes for it. @throws WRONG_USAGE */
export type ReadGivenKey = (
  given: { readonly id: string } | { readonly secret: string },
  names: Pick<KeyIdentity, 'name' | 'owner'>,
  line: number,
) => KeyIdentity

const KEYS_REMEMBERED = 10_000

/** Makes a `ReadGivenKey`. */
export function createReadGivenKey(pepper: string | undefined): ReadGivenKey {
  let problem: string | undefined
  const readKey = createReadKey({ pepper, maxKeys: KEYS_REMEMBERED }, ({ message }) => (problem ??= message))
  return (given, names, line) => {
    problem = undefined
    const key = readKey('secret' in given ? given.secret : { id: given.id, ...names })
    if (key && problem === undefined) return { ...key.identity, ...names }
    throw refuseLine(line, 'its key is empty, or has an id that is reserved.')
  }
}
