import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** What an import brought of one unit. */
export class ApiKeyAnalyticsImportQuantity {
  importId!: number
  /** Such as `tokens`. */
  unit!: string
  quantity!: bigint
  /** Of it: pruned or forgotten since then. */
  removedQuantity!: bigint
}

/** Table `api_key_analytics_import_quantities`. */
export const ApiKeyAnalyticsImportQuantitySchema: EntitySchema<ApiKeyAnalyticsImportQuantity> = defineEntity({
  class: ApiKeyAnalyticsImportQuantity,
  tableName: 'api_key_analytics_import_quantities',
  properties: {
    importId: p.integer().fieldName('import_id').primary(),
    unit: p.text().fieldName('unit').primary().ignoreSchemaChanges('collation'),
    quantity: p.bigint('bigint').fieldName('quantity'),
    removedQuantity: p.bigint('bigint').fieldName('removed_quantity').defaultRaw('0'),
  },
})
