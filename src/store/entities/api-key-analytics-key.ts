import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** One API key: what it is called and when it was used, never its secret. */
export class ApiKeyAnalyticsKey {
  /** UUID computed from the secret or from the app's own id. */
  id!: string
  label!: string
  name!: string | null
  owner!: string | null
  firstSeenAt!: Date
  /** Moved at most once a minute by each process. */
  lastUsedAt!: Date
}

/** Table `api_key_analytics_keys`. */
export const ApiKeyAnalyticsKeySchema: EntitySchema<ApiKeyAnalyticsKey> = defineEntity({
  class: ApiKeyAnalyticsKey,
  tableName: 'api_key_analytics_keys',
  properties: {
    id: p.uuid().fieldName('id').primary(),
    label: p.text().fieldName('label'),
    name: p.text().fieldName('name').nullable(),
    owner: p.text().fieldName('owner').nullable(),
    firstSeenAt: p.datetime().fieldName('first_seen_at'),
    lastUsedAt: p.datetime().fieldName('last_used_at'),
  },
})
