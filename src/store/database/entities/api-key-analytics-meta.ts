import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** The one row with the id of the database and the check of its pepper. */
export class ApiKeyAnalyticsMeta {
  /** Always 1. */
  id!: number
  databaseId!: string
  /** HMAC of a constant with the pepper in use; null before the first process with a pepper connected. */
  pepperCheck!: string | null
}

/** Table `api_key_analytics_meta`. */
export const ApiKeyAnalyticsMetaSchema: EntitySchema<ApiKeyAnalyticsMeta> = defineEntity({
  class: ApiKeyAnalyticsMeta,
  tableName: 'api_key_analytics_meta',
  properties: {
    id: p.smallint().fieldName('id').primary().autoincrement(false),
    databaseId: p.uuid().fieldName('database_id'),
    pepperCheck: p.text().fieldName('pepper_check').nullable(),
  },
})
