import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** The one row with the id of the database, the check of its pepper, and where it moved. */
export class ApiKeyAnalyticsMeta {
  /** Always 1. */
  id!: number
  databaseId!: string
  /** HMAC of a constant with the pepper in use; null before the first process with a pepper connected. */
  pepperCheck!: string | null
  /** Only an `active` database accepts writes, see the command `move`. */
  state!: 'active' | 'leaving' | 'arriving' | 'moved'
  /** When the state changed last; null while it never did. */
  stateSince!: Date | null
  /** The database on the other side of the last move. */
  otherDatabase!: string | null
  /** The last run of the command `move`, the same on both sides. */
  moveId!: string | null
}

/** Table `api_key_analytics_meta`. */
export const ApiKeyAnalyticsMetaSchema: EntitySchema<ApiKeyAnalyticsMeta> = defineEntity({
  class: ApiKeyAnalyticsMeta,
  tableName: 'api_key_analytics_meta',
  properties: {
    id: p.smallint().fieldName('id').primary().autoincrement(false),
    databaseId: p.uuid().fieldName('database_id'),
    pepperCheck: p.text().fieldName('pepper_check').nullable(),
    state: p.text().$type<ApiKeyAnalyticsMeta['state']>().fieldName('state').defaultRaw("'active'"),
    stateSince: p.datetime().fieldName('state_since').nullable(),
    otherDatabase: p.text().fieldName('other_database').nullable(),
    moveId: p.uuid().fieldName('move_id').nullable(),
  },
})
