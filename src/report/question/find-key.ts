import { AnalyticsError } from '../../model/errors.ts'
import { nameOfKey } from '../usage/group-names.ts'
import { didYouMean } from '../../model/suggest.ts'
import type { Database } from '../../store/database/open-database.ts'
import type { KeyRecord } from '../../model/key.ts'

/** Reads the secret when a key is given as `-`; without this function `-` is an ordinary name. */
export interface SecretInput {
  readonly readKeyId?: (db: Database) => Promise<string>
}

/**
 * The one key with this name, label, id, unique start of an id, or secret.
 * @throws WRONG_USAGE when no key matches, or more than one; PEPPER_MISMATCH
 */
export async function findKey(
  db: Database,
  text: string,
  { readKeyId }: SecretInput = {},
): Promise<KeyRecord> {
  const { findKeys, suggestKeys } = await import('../../store/read/find-keys.ts')
  const id = text === '-' ? await readKeyId?.(db) : undefined
  const found = await findKeys(db, id ?? text)
  const [key] = found
  if (!key) {
    const unknown = id === undefined ? `There is no key "${text}".` : 'No requests of this key are stored.'
    const near = id === undefined ? didYouMean(await suggestKeys(db, text)) : ''
    throw new AnalyticsError('WRONG_USAGE', `${unknown}${near} "apikey-analytics keys list" shows all.`)
  }
  if (found.length > 1) {
    const some = found.slice(0, 3).map((one) => `${one.id} (${nameOfKey(one)})`)
    const more = found.length > 3 ? ', …' : ''
    throw new AnalyticsError(
      'WRONG_USAGE',
      `"${text}" fits several keys: ${some.join(', ')}${more}. Use an id.`,
    )
  }
  return key
}
