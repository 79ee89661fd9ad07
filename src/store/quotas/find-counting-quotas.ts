import type { Quota, QuotaFilter } from '../../model/quota.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { findLines, withLines } from '../keys/key-lines.ts'
import type { KeyLines } from '../keys/key-lines.ts'
import { findQuotas } from './find-quotas.ts'

/** Quotas, and the lines of their keys: a quota of a key counts what all keys of its line use. */
export interface CountingQuotas {
  readonly quotas: readonly Quota[]
  readonly lines: KeyLines
}

/**
 * The quotas that count, of some keys and owners together, or all. A line has at most one per unit and period: when
 * several of its keys have one, the one that was set last. The others count again when the keys are unlinked.
 */
export async function findCountingQuotas(
  tx: Statements,
  dialect: Dialect,
  filter: QuotaFilter = {},
): Promise<CountingQuotas> {
  const keyIds = filter.keyIds && withLines(filter.keyIds, await findLines(tx, filter.keyIds))
  const found = await findQuotas(tx, dialect, keyIds ? { ...filter, keyIds } : filter)
  const lines = await findLines(
    tx,
    found.flatMap(({ keyId }) => keyId ?? []),
  )
  return { quotas: lines.size === 0 ? found : chooseLast(found, lines), lines }
}

function chooseLast(quotas: readonly Quota[], lines: KeyLines): Quota[] {
  const last = new Map<string, Quota>()
  const nameOf = ({ keyId, owner, unit, per }: Quota): string =>
    JSON.stringify([keyId && (lines.get(keyId)?.newest ?? keyId), owner, unit, per])
  for (const quota of quotas) {
    const other = last.get(nameOf(quota))
    if (!other || quota.setAt >= other.setAt) last.set(nameOf(quota), quota)
  }
  const chosen = new Set(last.values())
  return quotas.filter((quota) => chosen.has(quota))
}
