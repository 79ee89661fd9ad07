import type { MeasuredQuota, QuotaFilter } from '../../model/quota.ts'
import { readKeyNames } from '../../store/keys/read-key-names.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findLines } from '../../store/keys/key-lines.ts'
import type { KeyLine } from '../../store/keys/key-lines.ts'
import { measureQuotas } from '../../store/quotas/measure-quotas.ts'
import { nameOfKey } from '../usage/group-names.ts'
import type { ListedQuota, QuotaList } from './listed-quota.ts'

/** The quotas of some keys and owners, or all, measured; the most used first. */
export async function readQuotaList(db: Database, filter?: QuotaFilter, now?: number): Promise<QuotaList> {
  const { completeUntil, quotas } = await measureQuotas(db, filter, now)
  const keyIds = quotas.flatMap(({ keyId }) => keyId ?? [])
  const lines = await findLines(db, keyIds)
  const names = await readKeyNames(
    db,
    keyIds.map((id) => lines.get(id)?.newest ?? id),
  )
  const listed = quotas.map((quota) => {
    const name = quota.owner ?? nameOfSubject(quota.keyId!, names, lines.get(quota.keyId!))
    return Object.assign({ name }, quota, measuresOf(quota))
  })
  // stable: what is used equally stays in the order of the database
  return { completeUntil, quotas: listed.sort((a, b) => b.share - a.share) }
}

function nameOfSubject(
  keyId: string,
  names: Awaited<ReturnType<typeof readKeyNames>>,
  line: KeyLine | undefined,
): string {
  const key = names.get(line?.newest ?? keyId)
  // the quota of a key that was not used yet
  return key ? nameOfKey(line ? { ...key, keyCount: line.keyIds.length } : key) : keyId
}

function measuresOf({ used, limit }: MeasuredQuota): Pick<ListedQuota, 'remaining' | 'share'> {
  return { remaining: used < limit ? limit - used : 0n, share: Number(used) / Number(limit) }
}
