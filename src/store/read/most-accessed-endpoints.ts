import type { KeyIdentity } from '../../model/key.ts'
import type { MostAccessedOptions } from '../../model/usage-query.ts'
import type { UsageRow } from '../../model/usage-row.ts'
import { findUsage } from './find-usage.ts'
import type { Database } from '../database/open-database.ts'

/** The operations of one key (its id or record), most used first. */
export async function getMostAccessedEndpoints(
  db: Database,
  key: string | Pick<KeyIdentity, 'id'>,
  options: MostAccessedOptions = {},
): Promise<UsageRow[]> {
  const id = typeof key === 'string' ? key : key.id
  return findUsage(db, { ...options, keyIds: [id], by: ['endpoint', 'method'] })
}
