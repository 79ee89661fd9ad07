import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** Requests of an instance that were counted and have not arrived, by the numbers that the instance gave them. */
export class ApiKeyAnalyticsGap {
  instance!: string
  /** The last request before the gap; 0 when it begins with the first one. */
  countedFrom!: number
  /** The last request in the gap. */
  countedTo!: number
}

/** Table `api_key_analytics_gaps`: the ledger's `missing` in detail. */
export const ApiKeyAnalyticsGapSchema: EntitySchema<ApiKeyAnalyticsGap> = defineEntity({
  class: ApiKeyAnalyticsGap,
  tableName: 'api_key_analytics_gaps',
  properties: {
    instance: p.uuid().fieldName('instance').primary(),
    countedFrom: p.bigint('number').fieldName('counted_from').primary(),
    countedTo: p.bigint('number').fieldName('counted_to'),
  },
})
