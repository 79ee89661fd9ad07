import type { Customer } from '../../model/customer-usage.ts'
import type { SetBy } from '../database/entities/api-key-analytics-key.ts'
import type { Statements } from '../database/dialect.ts'
import { findLines } from './key-lines.ts'
import { placeholders } from '../database/placeholders.ts'

/**
 * The keys whose usage a customer sees that is one key: it, and those of its line. Rows are chosen by their owner too. A
 * customer without an owner sees only keys that have the same owner in the database, said by the same: a person may have
 * linked keys of several customers.
 */
export async function findKeysOfCustomer(
  db: Statements,
  { scope, keyId, owner }: Customer,
): Promise<readonly string[]> {
  if (scope === 'owner' && owner !== null) return []
  const line = (await findLines(db, [keyId])).get(keyId)
  if (!line) return [keyId]
  return owner === null ? findKeysWithSameOwner(db, keyId, line.keyIds) : line.keyIds
}

async function findKeysWithSameOwner(
  db: Statements,
  keyId: string,
  keyIds: readonly string[],
): Promise<string[]> {
  const keys = await db.query<{ id: string; owner: string | null; set_by: SetBy }>(
    `select id, owner, owner_set_by as set_by
from api_key_analytics_keys
where id in (${placeholders(keyIds)})
order by id`,
    keyIds,
  )
  const own = keys.find(({ id }) => id === keyId)
  return keys
    .filter(({ owner, set_by: setBy }) => owner === own?.owner && (owner === null || setBy === own.set_by))
    .map(({ id }) => id)
}
