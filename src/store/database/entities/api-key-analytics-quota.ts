import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'
import type { QuotaPeriod } from '../../../model/quota.ts'

/** How much of a unit a key or an owner may use in each period. */
export class ApiKeyAnalyticsQuota {
  subjectKind!: 'key' | 'owner'
  /** The id of the key, or the name of the owner. */
  subject!: string
  /** `requests`, or such as `tokens`. */
  unit!: string
  per!: QuotaPeriod
  /** IANA name of the time zone in which its periods begin. */
  timeZone!: string
  limitQuantity!: bigint
  setAt!: Date
}

/** Table `api_key_analytics_quotas`. */
export const ApiKeyAnalyticsQuotaSchema: EntitySchema<ApiKeyAnalyticsQuota> = defineEntity({
  class: ApiKeyAnalyticsQuota,
  tableName: 'api_key_analytics_quotas',
  properties: {
    subjectKind: p.text().$type<'key' | 'owner'>().fieldName('subject_kind').primary(),
    subject: p.text().fieldName('subject').primary(),
    unit: p.text().fieldName('unit').primary(),
    per: p.text().$type<QuotaPeriod>().fieldName('per').primary(),
    timeZone: p.text().fieldName('time_zone'),
    limitQuantity: p.bigint('bigint').fieldName('limit_quantity'),
    setAt: p.datetime().fieldName('set_at'),
  },
})
