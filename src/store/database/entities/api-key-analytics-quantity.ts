import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'
import type { BucketMinutes } from '../../../model/batch.ts'
import { ApiKeyAnalyticsKeySchema } from './api-key-analytics-key.ts'
import type { ApiKeyAnalyticsKey } from './api-key-analytics-key.ts'

/** How much of one unit the requests of one key to one operation with one outcome used within one bucket of time. */
export class ApiKeyAnalyticsQuantity {
  apiKey!: ApiKeyAnalyticsKey
  /** Start of the bucket (UTC). */
  bucket!: Date
  bucketMinutes!: BucketMinutes
  endpoint!: string
  method!: string
  status!: number
  /** Such as `tokens`. */
  unit!: string
  /** Requests that gave their first quantity of this unit in this bucket. */
  requestCount!: number
  quantity!: bigint
  /** Number of the import that brought the row; 0 for what the app counted. */
  importId!: number
}

/** Table `api_key_analytics_quantities`. */
export const ApiKeyAnalyticsQuantitySchema: EntitySchema<ApiKeyAnalyticsQuantity> = defineEntity({
  class: ApiKeyAnalyticsQuantity,
  tableName: 'api_key_analytics_quantities',
  indexes: [{ name: 'api_key_analytics_quantities_bucket_index', properties: ['bucket'] }],
  properties: {
    apiKey: () =>
      p
        .manyToOne(ApiKeyAnalyticsKeySchema)
        .primary()
        .fieldName('api_key_id')
        .index(false)
        .deleteRule('cascade')
        .updateRule('no action')
        .foreignKeyName('api_key_analytics_quantities_api_key_id_foreign'),
    bucket: p.datetime().fieldName('bucket').primary(),
    bucketMinutes: p.smallint().$type<BucketMinutes>().fieldName('bucket_minutes').primary(),
    endpoint: p.text().fieldName('endpoint').primary().ignoreSchemaChanges('collation'),
    method: p.text().fieldName('method').primary().ignoreSchemaChanges('collation'),
    status: p.smallint().fieldName('status').primary(),
    unit: p.text().fieldName('unit').primary().ignoreSchemaChanges('collation'),
    requestCount: p.bigint('number').fieldName('request_count').defaultRaw('0'),
    quantity: p.bigint('bigint').fieldName('quantity').defaultRaw('0'),
    importId: p.smallint().fieldName('import_id').primary().default(0),
  },
})
