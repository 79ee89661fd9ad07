import { AnalyticsError } from '../../model/errors.ts'
import { isReservedKey } from '../../model/key.ts'
import { HIGHEST_LIMIT, QUOTA_PERIODS } from '../../model/quota.ts'
import type { NewQuota, Quota, QuotaName, QuotaSubject } from '../../model/quota.ts'
import { isUnitName, REQUESTS_UNIT } from '../../model/unit.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { requireText } from '../keys/name-key.ts'
import { requireTimeZone } from '../read/time-borders.ts'
import { isUuid } from '../../model/uuid.ts'
import { findCountingQuotas } from './find-counting-quotas.ts'
import { subjectOf } from './find-quotas.ts'

const UPSERT = (dialect: Dialect) => `
insert into api_key_analytics_quotas (subject_kind, subject, unit, per, time_zone, limit_quantity, set_at)
values ($1, $2, $3, $4, $5, $6, ${dialect.timeOf('$7')})
on conflict (subject_kind, subject, unit, per) do update set
  time_zone = excluded.time_zone,
  limit_quantity = excluded.limit_quantity,
  set_at = excluded.set_at`

/**
 * Sets a quota, or changes its limit and time zone. The key or owner need not have used anything yet. A key that is
 * linked to others shares its quota with them, so the quota of another one of them is changed where there is one.
 * @returns the quota as it was before and as it is now
 * @throws ARGUMENT_INVALID
 */
export async function setQuota(
  db: Database,
  given: NewQuota,
  now = Date.now(),
): Promise<{ before: Quota | undefined; quota: Quota }> {
  requireQuotaName(given)
  const limit = readLimit(given.limit)
  if (given.timeZone !== undefined) requireTimeZone(given.timeZone)
  return db.transaction(async (tx) => {
    const before = await findQuota(tx, db.dialect, given)
    const timeZone = given.timeZone ?? before?.timeZone ?? 'UTC'
    const { unit, per } = given
    // an app may set its quotas at every start
    const isSame = before?.limit === limit && before.timeZone === timeZone
    await writeQuota(tx, db.dialect, {
      ...subjectNameOf(before ?? given),
      unit,
      per,
      limit,
      timeZone,
      setAt: isSame ? before.setAt.getTime() : now,
    })
    return { before, quota: (await findQuota(tx, db.dialect, given))! }
  })
}

/** Stores a quota in place of the one with its name. */
export async function writeQuota(
  tx: Statements,
  dialect: Dialect,
  quota: QuotaName & { readonly limit: bigint; readonly timeZone: string; readonly setAt: number },
): Promise<void> {
  const { kind, name } = subjectOf(quota)
  const { unit, per, timeZone, limit, setAt } = quota
  await tx.query(UPSERT(dialect), [kind, name, unit, per, timeZone, String(limit), setAt])
}

function subjectNameOf(quota: QuotaSubject | Quota): QuotaSubject {
  return 'keyId' in quota && quota.keyId !== null
    ? { keyId: quota.keyId }
    : { owner: (quota as { owner: string }).owner }
}

/** The quota with a name; of a key that of its line. */
export async function findQuota(
  tx: Statements,
  dialect: Dialect,
  name: QuotaName,
): Promise<Quota | undefined> {
  const filter = 'keyId' in name ? { keyIds: [name.keyId] } : { owners: [name.owner] }
  const { quotas } = await findCountingQuotas(tx, dialect, filter)
  return quotas.find(({ unit, per }) => unit === name.unit && per === name.per)
}

/** @throws ARGUMENT_INVALID for a name that no quota can have; the app may not use TypeScript */
export function requireQuotaName(name: QuotaName): void {
  const { keyId, owner, unit, per } = name as Partial<Record<keyof Quota, unknown>>
  if ((keyId === undefined) === (owner === undefined))
    refuse('A quota belongs to either a keyId or an owner.')
  if (keyId !== undefined && (typeof keyId !== 'string' || !isUuid(keyId) || isReservedKey(keyId)))
    refuse('The keyId is no id of a key. findKeys() finds ids by name, label or a part of them.')
  if (owner !== undefined && (typeof owner !== 'string' || owner === ''))
    refuse('The owner is no name of a customer.')
  if (typeof owner === 'string') requireText('owner', owner)
  if (unit !== REQUESTS_UNIT && !isUnitName(unit))
    refuse(`${JSON.stringify(unit)} is no unit. Use "requests" or one of the option "units".`)
  if (!(QUOTA_PERIODS as readonly unknown[]).includes(per))
    refuse(`${JSON.stringify(per)} is no period of a quota. Use day, week or month.`)
}

function readLimit(limit: unknown): bigint {
  const isWhole = typeof limit === 'bigint' || Number.isSafeInteger(limit)
  const whole = isWhole ? BigInt(limit as number) : 0n
  if (whole >= 1n && whole <= HIGHEST_LIMIT) return whole
  return refuse(`The limit is ${String(limit)}, expected a whole number from 1 to ${HIGHEST_LIMIT}.`)
}

function refuse(message: string): never {
  throw new AnalyticsError('ARGUMENT_INVALID', message)
}
