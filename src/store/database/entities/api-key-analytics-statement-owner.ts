import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** The time of a later owner within a closed period. Most keys have one owner there, and no row. */
export class ApiKeyAnalyticsStatementOwner {
  /** Number of the statement that closed the period. */
  period!: number
  apiKeyId!: string
  since!: Date
  until!: Date
}

/** Table `api_key_analytics_statement_owners`: fixed when the period is billed, so that later changes of owners move nothing. */
export const ApiKeyAnalyticsStatementOwnerSchema: EntitySchema<ApiKeyAnalyticsStatementOwner> = defineEntity({
  class: ApiKeyAnalyticsStatementOwner,
  tableName: 'api_key_analytics_statement_owners',
  properties: {
    period: p.integer().fieldName('period').primary().autoincrement(false),
    apiKeyId: p.uuid().fieldName('api_key_id').primary(),
    since: p.datetime().fieldName('since').primary(),
    until: p.datetime().fieldName('until'),
  },
})
