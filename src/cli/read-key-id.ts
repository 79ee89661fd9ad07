import { text as readText } from 'node:stream/consumers'
import { keyIdOfSecret } from '../model/compute-key-id.ts'
import { AnalyticsError } from '../model/errors.ts'
import type { Database } from '../store/database/open-database.ts'
import { requirePepper } from '../store/read/require-pepper.ts'

/**
 * Reads a secret from standard input and computes its id. The secret is not kept.
 * @throws WRONG_USAGE for empty input, PEPPER_MISMATCH
 */
export async function readKeyId(db: Database, pepper: string | undefined): Promise<string> {
  await requirePepper(db, pepper)
  const secret = (await readText(process.stdin)).replace(/\r?\n$/, '')
  if (secret) return keyIdOfSecret(secret, pepper)
  throw new AnalyticsError('WRONG_USAGE', 'A key - is read as a secret from standard input, which is empty.')
}
