import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** What one instance has delivered of one unit. */
export class ApiKeyAnalyticsLedgerUnit {
  /** UUID of the counter file. */
  instance!: string
  /** Such as `tokens`. */
  unit!: string
  /** In all of its applied batches. */
  quantity!: bigint
  /** What it counted and what never arrived. */
  missing!: bigint
}

/** Table `api_key_analytics_ledger_units`. */
export const ApiKeyAnalyticsLedgerUnitSchema: EntitySchema<ApiKeyAnalyticsLedgerUnit> = defineEntity({
  class: ApiKeyAnalyticsLedgerUnit,
  tableName: 'api_key_analytics_ledger_units',
  properties: {
    instance: p.uuid().fieldName('instance').primary(),
    unit: p.text().fieldName('unit').primary().ignoreSchemaChanges('collation'),
    quantity: p.bigint('bigint').fieldName('quantity').defaultRaw('0'),
    missing: p.bigint('bigint').fieldName('missing').defaultRaw('0'),
  },
})
