import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** What a removal of `api_key_analytics_prunes` removed of one unit. */
export class ApiKeyAnalyticsPrunedQuantity {
  pruneId!: number
  /** Such as `tokens`. */
  unit!: string
  quantity!: bigint
  /** Of it: what a closed period bills. */
  closedQuantity!: bigint
}

/** Table `api_key_analytics_pruned_quantities`. */
export const ApiKeyAnalyticsPrunedQuantitySchema: EntitySchema<ApiKeyAnalyticsPrunedQuantity> = defineEntity({
  class: ApiKeyAnalyticsPrunedQuantity,
  tableName: 'api_key_analytics_pruned_quantities',
  properties: {
    pruneId: p.integer().fieldName('prune_id').primary(),
    unit: p.text().fieldName('unit').primary().ignoreSchemaChanges('collation'),
    quantity: p.bigint('bigint').fieldName('quantity'),
    closedQuantity: p.bigint('bigint').fieldName('closed_quantity'),
  },
})
