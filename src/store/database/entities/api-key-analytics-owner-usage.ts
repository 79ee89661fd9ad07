import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/**
 * The usage of an owner, summed up over all keys: a copy of what is in `api_key_analytics` and
 * `api_key_analytics_quantities`, so that a customer with ten thousand keys gets an answer in milliseconds. Everything is
 * in two sums: in one of its operation, and in one of its time, whose method and endpoint are empty.
 */
export class ApiKeyAnalyticsOwnerUsage {
  /** The owner of the keys when the requests were counted. */
  owner!: string
  /**
   * Of a time: start of the bucket (UTC); minutes are added up to quarters of an hour. Of an operation: the same on the
   * first and last day of a month, else the start of the day.
   */
  bucket!: Date
  endpoint!: string
  method!: string
  status!: number
  /** `requests`, or a unit such as `tokens`. */
  unit!: string
  /** Requests; of a unit only those that gave a quantity. */
  requestCount!: number
  /** Of `requests` the same number. */
  quantity!: bigint
}

/** Table `api_key_analytics_owner_usage`. */
export const ApiKeyAnalyticsOwnerUsageSchema: EntitySchema<ApiKeyAnalyticsOwnerUsage> = defineEntity({
  class: ApiKeyAnalyticsOwnerUsage,
  tableName: 'api_key_analytics_owner_usage',
  properties: {
    owner: p.text().fieldName('owner').primary().ignoreSchemaChanges('collation'),
    bucket: p.datetime().fieldName('bucket').primary(),
    endpoint: p.text().fieldName('endpoint').primary().ignoreSchemaChanges('collation'),
    method: p.text().fieldName('method').primary().ignoreSchemaChanges('collation'),
    status: p.smallint().fieldName('status').primary(),
    unit: p.text().fieldName('unit').primary().ignoreSchemaChanges('collation'),
    requestCount: p.bigint('number').fieldName('request_count').defaultRaw('0'),
    quantity: p.bigint('bigint').fieldName('quantity').defaultRaw('0'),
  },
})
