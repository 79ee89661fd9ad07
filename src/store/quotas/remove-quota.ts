import type { Quota, QuotaName, QuotaSubject } from '../../model/quota.ts'
import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { findLines, withLines } from '../keys/key-lines.ts'
import { subjectOf } from './find-quotas.ts'
import { findQuota, requireQuotaName } from './set-quota.ts'

const REMOVE = 'delete from api_key_analytics_quotas where subject_kind = $1 and subject = $2'

/**
 * Removes a quota and returns it; undefined when there is none. Of linked keys it removes that of each, or an older one
 * would count again.
 * @throws ARGUMENT_INVALID
 */
export async function removeQuota(db: Database, quota: QuotaName): Promise<Quota | undefined> {
  requireQuotaName(quota)
  return db.transaction(async (tx) => {
    const found = await findQuota(tx, db.dialect, quota)
    for (const subject of await findSubjects(tx, quota)) {
      const { kind, name } = subjectOf(subject)
      await tx.query(`${REMOVE} and unit = $3 and per = $4`, [kind, name, quota.unit, quota.per])
    }
    return found
  })
}

async function findSubjects(tx: Statements, quota: QuotaName): Promise<readonly QuotaSubject[]> {
  if (!('keyId' in quota)) return [quota]
  const lines = await findLines(tx, [quota.keyId])
  return withLines([quota.keyId], lines).map((keyId) => ({ keyId }))
}

/** Removes all quotas of a key or an owner, which is forgotten. */
export async function removeQuotasOf(tx: Statements, subject: QuotaSubject): Promise<void> {
  const { kind, name } = subjectOf(subject)
  await tx.query(REMOVE, [kind, name])
}
