import type { KeyIdentity, UsageFilter, UsageRow } from '../usage.ts'
import { findUsage } from './find-usage.ts'
import type { Database } from './open-database.ts'

/** Which requests of the key count, and how many endpoints to give. */
export type MostAccessedOptions = Omit<UsageFilter, 'keyIds' | 'owner'> & { readonly limit?: number }

/** The endpoints of one key (its id or record), each method apart, most used first. */
export async function getMostAccessedEndpoints(
  db: Database,
  key: string | Pick<KeyIdentity, 'id'>,
  options: MostAccessedOptions = {},
): Promise<UsageRow[]> {
  const id = typeof key === 'string' ? key : key.id
  return findUsage(db, { ...options, keyIds: [id], by: ['endpoint', 'method'] })
}
