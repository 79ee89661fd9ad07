import { linkKey, unlinkKey } from '../../store/keys/link-keys.ts'
import type { Database } from '../../store/database/open-database.ts'
import type { KeyRecord } from '../../model/key.ts'
import { findKey } from '../question/find-key.ts'
import type { SecretInput } from '../question/find-key.ts'
import { nameOfKey } from '../usage/group-names.ts'
import { nameKeysOf, readLine } from '../question/line-of-key.ts'

/** What `keys link` and `keys unlink` did, for `--json`, and for people. */
export interface LinkResult {
  readonly text: string
  /** False when there was nothing to do. */
  readonly changed: boolean
  readonly key: KeyRecord
  /** All keys of its line, oldest first; it alone when it has no link. */
  readonly line: readonly KeyRecord[]
}

/** Runs `keys link`. @throws WRONG_USAGE for a text that names no key or several, ARGUMENT_INVALID for a link that is refused */
export async function runLink(
  db: Database,
  { key: text, continues, acrossOwners }: { key: string; continues: string; acrossOwners: boolean },
  secretInput: SecretInput,
): Promise<LinkResult> {
  const { id } = await findKey(db, text, secretInput)
  const older = await findKey(db, continues)
  const changed = await linkKey(db, id, { continues: older.id, acrossOwners })
  const key = await findKey(db, id)
  const line = (await readLine(db, id)) ?? [key]
  const done = changed ? 'continues' : 'already continues'
  const owners = new Set(line.map(({ owner }) => owner))
  const apart =
    owners.size > 1 ? 'Its keys have different owners: usage by owner stays with each of them.\n' : ''
  return {
    text: `${nameOfKey(key)} ${done} ${nameOfKey(older)}. ${nameKeysOf(line)}.\n${apart}`,
    changed,
    key,
    line,
  }
}

/** Runs `keys unlink`. @throws WRONG_USAGE for a text that names no key or several, ARGUMENT_INVALID for a link that is refused */
export async function runUnlink(db: Database, text: string, secretInput: SecretInput): Promise<LinkResult> {
  const { id } = await findKey(db, text, secretInput)
  const before = await unlinkKey(db, id)
  const key = await findKey(db, id)
  const line = (await readLine(db, id)) ?? [key]
  const name = nameOfKey(key)
  if (before === undefined)
    return { text: `${name} has no link: nothing to undo.\n`, changed: false, key, line }
  const rest = line.length > 1 ? ` ${nameKeysOf(line)}.` : ''
  return {
    text: `${name} no longer continues ${nameOfKey(await findKey(db, before))}.${rest}\n`,
    changed: true,
    key,
    line,
  }
}
