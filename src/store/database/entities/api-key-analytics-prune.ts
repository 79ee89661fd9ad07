import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** Rows that were removed or anonymised on purpose. This log keeps the totals provable. */
export class ApiKeyAnalyticsPrune {
  id!: number
  action!: 'prune' | 'forget' | 'anonymise' | 'roll up'
  doneAt!: Date
  /** End of the affected time, exclusive; null for all time. */
  before!: Date | null
  /** The affected key; null for all keys. */
  apiKeyId!: string | null
  /** Rows deleted, imported ones too; rolled up: rows merged away; anonymised: rows that stay. */
  rowCount!: number
  /**
   * Requests in those rows; rolled up or anonymised: still in the table. Removed imported requests are not among them:
   * `api_key_analytics_imports` has them.
   */
  requestCount!: number
  /** Of those that were removed: the requests that a closed period bills. */
  closedRequestCount!: number
}

/** Table `api_key_analytics_prunes`. */
export const ApiKeyAnalyticsPruneSchema: EntitySchema<ApiKeyAnalyticsPrune> = defineEntity({
  class: ApiKeyAnalyticsPrune,
  tableName: 'api_key_analytics_prunes',
  properties: {
    id: p.integer().fieldName('id').primary().autoincrement(),
    action: p.text().$type<ApiKeyAnalyticsPrune['action']>().fieldName('action'),
    doneAt: p.datetime().fieldName('done_at'),
    before: p.datetime().fieldName('before').nullable(),
    apiKeyId: p.uuid().fieldName('api_key_id').nullable(),
    rowCount: p.bigint('number').fieldName('row_count'),
    requestCount: p.bigint('number').fieldName('request_count'),
    closedRequestCount: p.bigint('number').fieldName('closed_request_count'),
  },
})
