import type { Quota, QuotaFilter, QuotaPeriod, QuotaSubject } from '../../model/quota.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { SqlParameters } from '../database/sql-parameters.ts'

interface Row {
  readonly subject_kind: 'key' | 'owner'
  readonly subject: string
  readonly unit: string
  readonly per: QuotaPeriod
  readonly time_zone: string
  readonly limit_quantity: string | number
  readonly set_at: string | number
}

/** The quotas of some keys and owners together, or all; in a total order. */
export async function findQuotas(
  tx: Statements,
  dialect: Dialect,
  { keyIds, owners }: QuotaFilter = {},
): Promise<Quota[]> {
  const parameters = new SqlParameters()
  const conditions = [
    ...(keyIds?.length ? [ofSubjects('key', keyIds, parameters)] : []),
    ...(owners?.length ? [ofSubjects('owner', owners, parameters)] : []),
  ]
  const isFiltered = keyIds !== undefined || owners !== undefined
  if (isFiltered && conditions.length === 0) return []
  const rows = await tx.query<Row>(
    `select subject_kind, subject, unit, per, time_zone, cast(limit_quantity as text) as limit_quantity,
  ${dialect.millisecondsOf('set_at')} as set_at
from api_key_analytics_quotas
where ${isFiltered ? conditions.join(' or ') : 'true'}
order by subject_kind, subject, unit, per`,
    parameters.values,
  )
  return rows.map(toQuota)
}

/** The columns that name a subject. */
export function subjectOf(subject: QuotaSubject): { readonly kind: 'key' | 'owner'; readonly name: string } {
  return 'keyId' in subject
    ? { kind: 'key', name: subject.keyId.toLowerCase() }
    : { kind: 'owner', name: subject.owner }
}

function ofSubjects(kind: 'key' | 'owner', names: readonly string[], parameters: SqlParameters): string {
  const list = names.map((name) => parameters.add(subjectOf(toSubject(kind, name)).name))
  return `(subject_kind = '${kind}' and subject in (${list.join(', ')}))`
}

function toSubject(kind: 'key' | 'owner', name: string): QuotaSubject {
  return kind === 'key' ? { keyId: name } : { owner: name }
}

function toQuota(row: Row): Quota {
  return {
    keyId: row.subject_kind === 'key' ? row.subject : null,
    owner: row.subject_kind === 'owner' ? row.subject : null,
    unit: row.unit,
    per: row.per,
    timeZone: row.time_zone,
    limit: BigInt(row.limit_quantity),
    setAt: new Date(Number(row.set_at)),
  }
}
