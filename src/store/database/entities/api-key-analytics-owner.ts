import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'
import { ApiKeyAnalyticsKeySchema } from './api-key-analytics-key.ts'
import type { ApiKeyAnalyticsKey, SetBy } from './api-key-analytics-key.ts'

/** A former owner of a key. The present one is in the key's own row, so most keys have no row here. */
export class ApiKeyAnalyticsOwner {
  apiKey!: ApiKeyAnalyticsKey
  /** End of the period (UTC), exclusive: the next owner's period begins here. */
  until!: Date
  /** Start of the first bucket of the period; 1970 for the first owner. */
  since!: Date
  /** Null when nobody knew the owner. */
  owner!: string | null
  setBy!: SetBy
  /** When the app last gave this owner, or a person set it; null when neither happened. */
  saidAt!: Date | null
}

/** Table `api_key_analytics_owners`. */
export const ApiKeyAnalyticsOwnerSchema: EntitySchema<ApiKeyAnalyticsOwner> = defineEntity({
  class: ApiKeyAnalyticsOwner,
  tableName: 'api_key_analytics_owners',
  properties: {
    apiKey: () =>
      p
        .manyToOne(ApiKeyAnalyticsKeySchema)
        .primary()
        .fieldName('api_key_id')
        .index(false)
        .deleteRule('cascade')
        .updateRule('no action')
        .foreignKeyName('api_key_analytics_owners_api_key_id_foreign'),
    until: p.datetime().fieldName('until').primary(),
    since: p.datetime().fieldName('since'),
    owner: p.text().fieldName('owner').nullable(),
    setBy: p.text().$type<SetBy>().fieldName('set_by'),
    saidAt: p.datetime().fieldName('said_at').nullable(),
  },
})
