import { AnalyticsError } from '../../model/errors.ts'
import { isReservedKey } from '../../model/key.ts'
import type { QuotaName, QuotaPeriod, QuotaSubject } from '../../model/quota.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findKeysOfOwner } from '../../store/read/find-keys.ts'
import { findQuotas } from '../../store/quotas/find-quotas.ts'
import { requireKnownNames } from './find-filter.ts'
import { findKey } from './find-key.ts'
import type { SecretInput } from './find-key.ts'
import { nameOfKey } from '../usage/group-names.ts'
import { readLine } from './line-of-key.ts'
import { requireUnit } from './require-unit.ts'

/** How a command names a quota. */
export interface QuotaFlags {
  readonly key?: string | undefined
  readonly owner?: string | undefined
  readonly unit: string
  readonly per: QuotaPeriod
}

/** A quota that a command means, and the name of its key or owner for people. */
export interface FoundQuotaName {
  readonly quota: QuotaName
  readonly name: string
}

/** Finds the key or owner of a quota, and checks its unit. @throws WRONG_USAGE */
export async function findQuotaSubject(
  db: Database,
  { key, owner, unit, per }: QuotaFlags,
  secretInput: SecretInput,
): Promise<FoundQuotaName> {
  if ((key === undefined) === (owner === undefined)) {
    throw new AnalyticsError('WRONG_USAGE', 'Name either a key, or a customer with --owner.')
  }
  const found =
    owner === undefined ? await findKeySubject(db, key!, secretInput) : await findOwnerSubject(db, owner)
  // a wrong unit would make a quota that nobody uses
  if (unit !== REQUESTS_UNIT) await requireUnit(db, unit)
  return { name: found.name, quota: { ...found.subject, unit, per } }
}

interface FoundSubject {
  readonly subject: QuotaSubject
  readonly name: string
}

async function findKeySubject(db: Database, text: string, secretInput: SecretInput): Promise<FoundSubject> {
  const quotas = await findQuotas(db, db.dialect, { keyIds: [text] })
  // the key of a quota that code has set may not have been used yet
  if (quotas.length > 0) return { subject: { keyId: text }, name: text }
  const key = await findKey(db, text, secretInput)
  if (isReservedKey(key.id)) {
    throw new AnalyticsError('WRONG_USAGE', `${key.label} stands for many keys and cannot have a quota.`)
  }
  const line = await readLine(db, key.id)
  const name = line ? `The line of ${nameOfKey(key)}, ${line.length} keys,` : nameOfKey(key)
  return { subject: { keyId: key.id }, name }
}

async function findOwnerSubject(db: Database, owner: string): Promise<FoundSubject> {
  const quotas = await findQuotas(db, db.dialect, { owners: [owner] })
  if (quotas.length === 0 && (await findKeysOfOwner(db, owner)).length === 0)
    await requireKnownNames(db, { owner })
  return { subject: { owner }, name: owner }
}
