import { AnalyticsError } from '../../model/errors.ts'
import { HIGHEST_LIMIT } from '../../model/quota.ts'
import type { Quota } from '../../model/quota.ts'
import type { Database } from '../../store/database/open-database.ts'
import { removeQuota } from '../../store/quotas/remove-quota.ts'
import { setQuota } from '../../store/quotas/set-quota.ts'
import { parseTimeZone } from '../../time/period.ts'
import { findQuotaSubject } from '../question/find-quota-subject.ts'
import type { QuotaFlags } from '../question/find-quota-subject.ts'
import type { SecretInput } from '../question/find-key.ts'
import { formatCount } from '../../terminal/format-number.ts'

/** The flags of `quotas set`. */
export interface SetQuotaFlags extends QuotaFlags {
  readonly limit: string
  readonly tz?: string | undefined
}

/** Runs `quotas set`. @throws WRONG_USAGE */
export async function runSetQuota(
  db: Database,
  flags: SetQuotaFlags,
  secretInput: SecretInput,
): Promise<{ text: string; before: Quota | null; quota: Quota }> {
  const limit = parseLimit(flags.limit)
  const timeZone = flags.tz === undefined ? undefined : parseTimeZone(flags.tz)
  const { quota: name, name: whose } = await findQuotaSubject(db, flags, secretInput)
  const { before, quota } = await setQuota(db, { ...name, limit, timeZone })
  return { text: `${whose} may use ${describeChange(before, quota)}.\n`, before: before ?? null, quota }
}

/** Runs `quotas remove`. @throws WRONG_USAGE when there is no such quota */
export async function runRemoveQuota(
  db: Database,
  flags: QuotaFlags,
  secretInput: SecretInput,
): Promise<{ text: string; removed: Quota }> {
  const { quota: name, name: whose } = await findQuotaSubject(db, flags, secretInput)
  const removed = await removeQuota(db, name)
  if (!removed) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `${whose} has no quota of ${name.unit} per ${name.per}. "apikey-analytics quotas list" shows all.`,
    )
  }
  return { text: `${whose} has no quota of ${name.unit} per ${name.per} any more.\n`, removed }
}

function describeChange(before: Quota | undefined, { limit, unit, per, timeZone }: Quota): string {
  const now = `${formatCount(limit)} ${unit} per ${per} (${timeZone})`
  if (!before) return now
  const then = before.timeZone === timeZone ? formatCount(before.limit) : describeChange(undefined, before)
  return `${now}, ${then} before`
}

function parseLimit(text: string): bigint {
  const limit = /^\d{1,15}$/.test(text) ? BigInt(text) : 0n
  if (limit > 0n) return limit
  throw new AnalyticsError(
    'WRONG_USAGE',
    `Cannot read "${text}" as a limit. Use a whole number from 1 to ${HIGHEST_LIMIT}, such as 1000000.`,
  )
}
