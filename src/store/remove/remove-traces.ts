import type { QuotaSubject } from '../../model/quota.ts'
import { deleteAlertsOf } from '../alerts/remove-alerts.ts'
import type { Statements } from '../database/dialect.ts'
import { removeQuotasOf } from '../quotas/remove-quota.ts'

/** Removes what is kept about a key or an owner besides usage and statements: quotas and alerts. */
export async function removeTraces(tx: Statements, subject: QuotaSubject): Promise<void> {
  await removeQuotasOf(tx, subject)
  await deleteAlertsOf(tx, subject)
}

/** The same for those owners that no key has or had: after a key is forgotten their names must not remain. */
export async function removeTracesWithoutKeys(
  tx: Statements,
  owners: readonly (string | null)[],
): Promise<void> {
  for (const owner of new Set(owners)) {
    if (owner === null) continue
    const keys = await tx.query(
      `select 1 from api_key_analytics_keys where owner = $1
union all
select 1 from api_key_analytics_owners where owner = $1
limit 1`,
      [owner],
    )
    if (keys.length === 0) await removeTraces(tx, { owner })
  }
}
