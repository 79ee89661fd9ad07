import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** What one instance has delivered. This record makes a batch count exactly once. */
export class ApiKeyAnalyticsLedger {
  /** UUID of the counter file. */
  instance!: string
  /** The last of its batches that was applied. */
  sequence!: number
  /** Requests in all of its applied batches. */
  requestCount!: number
  /** Requests that it counted and that never arrived. */
  missing!: number
  /** Late additions to quantities in all of its applied batches. */
  additionCount!: number
  /** Late additions that it counted and that never arrived. */
  missingAdditions!: number
  updatedAt!: Date
}

/** Table `api_key_analytics_ledger`. */
export const ApiKeyAnalyticsLedgerSchema: EntitySchema<ApiKeyAnalyticsLedger> = defineEntity({
  class: ApiKeyAnalyticsLedger,
  tableName: 'api_key_analytics_ledger',
  properties: {
    instance: p.uuid().fieldName('instance').primary(),
    sequence: p.bigint('number').fieldName('sequence'),
    requestCount: p.bigint('number').fieldName('request_count').defaultRaw('0'),
    missing: p.bigint('number').fieldName('missing').defaultRaw('0'),
    additionCount: p.bigint('number').fieldName('addition_count').defaultRaw('0'),
    missingAdditions: p.bigint('number').fieldName('missing_additions').defaultRaw('0'),
    updatedAt: p.datetime().fieldName('updated_at'),
  },
})
