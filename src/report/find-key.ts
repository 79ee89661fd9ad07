import { text as readText } from 'node:stream/consumers'
import { keyIdOfSecret } from '../capture/compute-key-id.ts'
import { AnalyticsError } from '../model/errors.ts'
import { nameOfKey } from './report-table.ts'
import { didYouMean } from '../options/suggest.ts'
import type { Database } from '../store/database/open-database.ts'
import type { KeyRecord } from '../model/key.ts'
import type { Place } from '../cli/base-command.ts'
import { requirePepper } from '../cli/require-pepper.ts'

/**
 * The one key that a person means by a name, label, id or unique start of it. `-` reads the secret from standard
 * input, computes its id and forgets it.
 * @throws WRONG_USAGE when there is no such key, or more than one; PEPPER_MISMATCH
 */
export async function findKey(db: Database, text: string, place: Place): Promise<KeyRecord> {
  const { findKeys, suggestKeys } = await import('../store/read/find-keys.ts')
  const fromSecret = text === '-'
  const found = await findKeys(db, fromSecret ? await readKeyId(db, place) : text)
  const [key] = found
  if (!key) {
    const unknown = fromSecret ? 'No requests of this key are stored.' : `There is no key "${text}".`
    const near = fromSecret ? '' : didYouMean(await suggestKeys(db, text))
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

async function readKeyId(db: Database, { environment }: Place): Promise<string> {
  const pepper = environment.APIKEY_ANALYTICS_PEPPER || undefined
  await requirePepper(db, pepper)
  const secret = (await readText(process.stdin)).replace(/\r?\n$/, '')
  if (!secret)
    throw new AnalyticsError('WRONG_USAGE', '--key - reads the secret from standard input, which is empty.')
  return keyIdOfSecret(secret, pepper)
}
