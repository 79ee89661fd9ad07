import type { KeyRecord } from '../../model/key.ts'
import { findLines } from '../../store/keys/key-lines.ts'
import type { Database } from '../../store/database/open-database.ts'
import { nameOfKey } from '../usage/group-names.ts'

/** Keys that a heading names; a line seldom has more. */
const MOST_NAMES = 5

/** The keys of the line of a key, oldest first; undefined for a key without links. */
export async function readLine(db: Database, keyId: string): Promise<readonly KeyRecord[] | undefined> {
  const line = (await findLines(db, [keyId])).get(keyId)
  if (!line) return undefined
  const { readKeysById } = await import('../../store/read/find-keys.ts')
  return readKeysById(db, line.keyIds)
}

/** `Line of 3 keys: old (sk_a), old (sk_b), new (sk_c). --no-links shows new (sk_c) alone.` */
export function describeLine(key: KeyRecord, line: readonly KeyRecord[]): string {
  return `${nameKeysOf(line)}. --no-links shows ${nameOfKey(key)} alone.`
}

/** `Line of 2 keys: old (sk_a), new (sk_b)` */
export function nameKeysOf(line: readonly KeyRecord[]): string {
  const names = line.slice(0, MOST_NAMES).map(nameOfKey)
  const more = line.length > MOST_NAMES ? ', …' : ''
  return `Line of ${line.length} keys: ${names.join(', ')}${more}`
}
