import type { Dialect, Statements } from '../database/dialect.ts'
import { findQuotas } from './find-quotas.ts'
import { removeQuotasOf } from './remove-quota.ts'
import { writeQuota } from './set-quota.ts'

/** Gives the quotas of a renamed owner to the new name. What the new name has already stays. */
export async function moveQuotas(
  tx: Statements,
  dialect: Dialect,
  from: string,
  to: string,
): Promise<{ moved: number; dropped: number }> {
  if (from === to) return { moved: 0, dropped: 0 }
  const quotas = await findQuotas(tx, dialect, { owners: [from] })
  const present = await findQuotas(tx, dialect, { owners: [to] })
  const moved = quotas.filter(
    ({ unit, per }) => !present.some((other) => other.unit === unit && other.per === per),
  )
  // not an update: Citus cannot move a row to another shard
  await removeQuotasOf(tx, { owner: from })
  for (const { unit, per, limit, timeZone, setAt } of moved)
    await writeQuota(tx, dialect, { owner: to, unit, per, limit, timeZone, setAt: setAt.getTime() })
  return { moved: moved.length, dropped: quotas.length - moved.length }
}
