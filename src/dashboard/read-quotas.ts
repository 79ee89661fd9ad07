import type { MostUsedQuotas } from '../report/quotas/listed-quota.ts'
import { readQuotaList } from '../report/quotas/read-quota-list.ts'
import { findKey } from '../report/question/find-key.ts'
import type { QuotaFilter } from '../model/quota.ts'
import type { Database } from '../store/database/open-database.ts'
import { findKeysOfOwner } from '../store/read/find-keys.ts'
import { readWholeNumber } from '../web/read-query.ts'
import type { Query } from '../web/read-query.ts'

const DEFAULT_ROWS = 8
const MAX_ROWS = 1000
/** A customer may have any number of keys, and a statement only so many parameters. */
const MOST_KEYS = 1000

/** The quotas of a key and its owner, of an owner and its keys, or of all; the most used first. @throws WRONG_USAGE */
export async function readQuotas(
  db: Database,
  { key, owner, limit = String(DEFAULT_ROWS) }: Query,
): Promise<MostUsedQuotas> {
  const most = readWholeNumber('limit', limit, 1, MAX_ROWS)
  const { completeUntil, quotas } = await readQuotaList(db, await findFilter(db, key, owner))
  return { completeUntil, quotaCount: quotas.length, quotas: quotas.slice(0, most) }
}

async function findFilter(
  db: Database,
  key: string | undefined,
  owner: string | undefined,
): Promise<QuotaFilter | undefined> {
  if (key !== undefined) {
    const found = await findKey(db, key)
    return { keyIds: [found.id], owners: found.owner === null ? [] : [found.owner] }
  }
  if (owner === undefined) return undefined
  return { owners: [owner], keyIds: (await findKeysOfOwner(db, owner)).slice(0, MOST_KEYS) }
}
