import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'
import type { BucketMinutes } from '../../../model/batch.ts'
import { DurationBinsType } from './duration-bins-type.ts'
import { ApiKeyAnalyticsKeySchema } from './api-key-analytics-key.ts'
import type { ApiKeyAnalyticsKey } from './api-key-analytics-key.ts'

/** How often one key called one operation with one outcome within one bucket of time. */
export class ApiKeyAnalytics {
  apiKey!: ApiKeyAnalyticsKey
  /** Start of the bucket (UTC). */
  bucket!: Date
  bucketMinutes!: BucketMinutes
  endpoint!: string
  method!: string
  status!: number
  requestCount!: number
  /** Sum over the requests, microseconds. */
  durationUs!: number
  /** Number of the first bin of the histogram of durations. */
  durationFirstBin!: number
  /** Requests of that bin and of those after it; they sum up to `requestCount`. */
  durationBins!: number[]
  /** Number of the import that brought the row; 0 for what the app counted. */
  importId!: number
}

/** Table `api_key_analytics`; rows of different width never mix, so the width is part of the primary key. */
export const ApiKeyAnalyticsSchema: EntitySchema<ApiKeyAnalytics> = defineEntity({
  class: ApiKeyAnalytics,
  tableName: 'api_key_analytics',
  indexes: [{ name: 'api_key_analytics_bucket_index', properties: ['bucket'] }],
  properties: {
    apiKey: () =>
      p
        .manyToOne(ApiKeyAnalyticsKeySchema)
        .primary()
        .fieldName('api_key_id')
        .index(false)
        .deleteRule('cascade')
        .updateRule('no action')
        .foreignKeyName('api_key_analytics_api_key_id_foreign'),
    bucket: p.datetime().fieldName('bucket').primary(),
    bucketMinutes: p.smallint().$type<BucketMinutes>().fieldName('bucket_minutes').primary(),
    endpoint: p.text().fieldName('endpoint').primary().ignoreSchemaChanges('collation'),
    method: p.text().fieldName('method').primary().ignoreSchemaChanges('collation'),
    status: p.smallint().fieldName('status').primary(),
    requestCount: p.bigint('number').fieldName('request_count').defaultRaw('0'),
    durationUs: p.bigint('number').fieldName('duration_us').defaultRaw('0'),
    durationFirstBin: p.smallint().fieldName('duration_first_bin'),
    durationBins: p.type(DurationBinsType).fieldName('duration_bins'),
    importId: p.smallint().fieldName('import_id').primary().default(0),
  },
})
