import { NO_QUOTAS } from '../../model/quota.ts'
import type { MeasuredQuota, Quota, StoredQuotas } from '../../model/quota.ts'
import { isReservedKey } from '../../model/key.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { findCompleteUntil } from './find-complete-until.ts'
import { withLines } from '../keys/key-lines.ts'
import { findCountingQuotas } from './find-counting-quotas.ts'
import type { CountingQuotas } from './find-counting-quotas.ts'
import { measureCountingQuotas } from './measure-quotas.ts'

const LAST_USED = `
select id
from api_key_analytics_keys
order by last_used_at desc, id
limit $1`

/** What the app says of the others is what the database says. */
const OWNERS = (owners: string) => `
select id, owner
from api_key_analytics_keys
where owner_set_by = 'person' or owner in (select owner from ${owners})
order by last_used_at desc, id
limit $1`

/**
 * The quotas that an app keeps in memory, measured, and the owners of the keys. `limit` bounds both: past it the keys
 * that were used last matter. One statement where there is no quota.
 */
export async function readStoredQuotas(
  db: Statements & { readonly dialect: Dialect },
  limit: number,
  now: number,
): Promise<StoredQuotas> {
  const found = await findCountingQuotas(db, db.dialect)
  if (found.quotas.length === 0) return NO_QUOTAS
  const { lines } = found
  const quotas = found.quotas.length > limit ? await chooseQuotas(db, found, limit) : found.quotas
  const completeUntil = await findCompleteUntil(db, db.dialect, now)
  const measured = await measureCountingQuotas(db, { quotas, lines }, now)
  const ofQuotas = new Set(quotas.flatMap(({ keyId }) => (keyId === null ? [] : (lines.get(keyId) ?? []))))
  return {
    completeUntil,
    quotas: measured,
    lines: Array.from(ofQuotas, ({ keyIds }) => keyIds),
    owners: await findPresentOwners(db, measured, limit),
  }
}

async function chooseQuotas(
  db: Statements,
  { quotas, lines }: CountingQuotas,
  limit: number,
): Promise<Quota[]> {
  const rows = await db.query<{ id: string }>(LAST_USED, [limit])
  const ids = rows.map(({ id }) => id)
  const used = new Set(withLines(ids, lines))
  return quotas.filter(({ keyId }) => keyId === null || used.has(keyId)).slice(-limit)
}

async function findPresentOwners(
  db: Statements & { readonly dialect: Dialect },
  quotas: readonly MeasuredQuota[],
  limit: number,
): Promise<StoredQuotas['owners']> {
  const owners = new Set(quotas.map(({ owner }) => owner))
  owners.delete(null)
  if (owners.size === 0) return []
  const rows = Array.from(owners, (owner) => [owner])
  const given = db.dialect.givenRows({ owner: 'text' }, rows, 2)
  const found = await db.query<{ id: string; owner: string | null }>(OWNERS(given.sql), [
    limit,
    ...given.params,
  ])
  return found.filter(({ id }) => !isReservedKey(id)).map(({ id, owner }) => [id, owner])
}
