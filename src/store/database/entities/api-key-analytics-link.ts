import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'
import { ApiKeyAnalyticsKeySchema } from './api-key-analytics-key.ts'
import type { ApiKeyAnalyticsKey } from './api-key-analytics-key.ts'

/** A key that is linked to others. A key without links has no row. */
export class ApiKeyAnalyticsLink {
  apiKey!: ApiKeyAnalyticsKey
  /** The key that it continues; null for the first key of a line. */
  continues!: string | null
  /** The newest key of the line, under which reports show it: the same in all its rows. */
  line!: string
}

/** Table `api_key_analytics_links`. */
export const ApiKeyAnalyticsLinkSchema: EntitySchema<ApiKeyAnalyticsLink> = defineEntity({
  class: ApiKeyAnalyticsLink,
  tableName: 'api_key_analytics_links',
  properties: {
    apiKey: () =>
      p
        .manyToOne(ApiKeyAnalyticsKeySchema)
        .primary()
        .fieldName('api_key_id')
        .index(false)
        .deleteRule('cascade')
        .updateRule('no action')
        .foreignKeyName('api_key_analytics_links_api_key_id_foreign'),
    continues: p.uuid().fieldName('continues').nullable(),
    line: p.uuid().fieldName('line').index('api_key_analytics_links_line_index'),
  },
})
