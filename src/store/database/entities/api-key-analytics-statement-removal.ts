import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** What prunes and `keys forget` removed of a closed period, of the requests that it bills. */
export class ApiKeyAnalyticsStatementRemoval {
  /** Number of the statement that closed the period. */
  period!: number
  apiKeyId!: string
  ownerSince!: Date
  endpoint!: string
  method!: string
  unit!: string
  quantity!: string
}

/** Table `api_key_analytics_statement_removals`: with it, table and removals say what a period ever held. */
export const ApiKeyAnalyticsStatementRemovalSchema: EntitySchema<ApiKeyAnalyticsStatementRemoval> =
  defineEntity({
    class: ApiKeyAnalyticsStatementRemoval,
    tableName: 'api_key_analytics_statement_removals',
    properties: {
      period: p.integer().fieldName('period').primary().autoincrement(false),
      apiKeyId: p.uuid().fieldName('api_key_id').primary(),
      ownerSince: p.datetime().fieldName('owner_since').primary(),
      endpoint: p.text().fieldName('endpoint').primary(),
      method: p.text().fieldName('method').primary(),
      unit: p.text().fieldName('unit').primary(),
      quantity: p.bigint('string').fieldName('quantity'),
    },
  })
