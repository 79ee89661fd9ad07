import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'
import type { AlertKind } from '../../../model/alert.ts'
import type { Severity } from '../../../model/severity.ts'

/** An alert that fired: a threshold of a quota, or a security finding. */
export class ApiKeyAnalyticsAlert {
  /** Computed from what fired, so that two processes that fire the same make one row. Also the id of the webhook. */
  id!: string
  kind!: AlertKind
  /** Null for an alert about an owner, or about many keys. */
  apiKeyId!: string | null
  /** Only of an alert about the quota of an owner. */
  owner!: string | null
  /** `tokens per month` of a quota, `refused-key` of a finding. */
  subject!: string
  /** The period of the quota, or the UTC day of the finding, until exclusive. */
  since!: Date
  until!: Date
  /** Percent of the limit; null for a finding. */
  threshold!: number | null
  /** The limit of the quota, or the rank of the severity: a higher one fires again in the same period. */
  level!: string
  severity!: Severity
  firedAt!: Date
  /** What was seen, as JSON. It has no names. */
  content!: string
}

/** Table `api_key_analytics_alerts`. */
export const ApiKeyAnalyticsAlertSchema: EntitySchema<ApiKeyAnalyticsAlert> = defineEntity({
  class: ApiKeyAnalyticsAlert,
  tableName: 'api_key_analytics_alerts',
  indexes: [{ name: 'api_key_analytics_alerts_until_index', properties: ['until'] }],
  properties: {
    id: p.uuid().fieldName('id').primary(),
    kind: p.text().$type<AlertKind>().fieldName('kind'),
    apiKeyId: p.uuid().fieldName('api_key_id').nullable(),
    owner: p.text().fieldName('owner').nullable(),
    subject: p.text().fieldName('subject'),
    since: p.datetime().fieldName('since'),
    until: p.datetime().fieldName('until'),
    threshold: p.integer().fieldName('threshold').nullable(),
    level: p.bigint('string').fieldName('level'),
    severity: p.text().$type<Severity>().fieldName('severity'),
    firedAt: p.datetime().fieldName('fired_at'),
    content: p.text().fieldName('content'),
  },
})
