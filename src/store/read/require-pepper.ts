import { pepperCheck } from '../../model/compute-key-id.ts'
import { AnalyticsError } from '../../model/errors.ts'
import type { Database } from '../database/open-database.ts'

/**
 * Checks that secrets get the same ids here as in the app.
 * @throws PEPPER_MISMATCH when the database was used with another pepper, or with one and none is given
 */
export async function requirePepper(db: Database, pepper: string | undefined): Promise<void> {
  const [meta] = await db.query<{ pepper_check: string | null }>(
    'select pepper_check from api_key_analytics_meta',
  )
  const used = meta?.pepper_check ?? null
  if (used === null || used === pepperCheck(pepper)) return
  throw new AnalyticsError(
    'PEPPER_MISMATCH',
    `${db.databaseLabel} was used with another pepper, so a secret has another id in it. Set APIKEY_ANALYTICS_PEPPER as the app has it.`,
  )
}
