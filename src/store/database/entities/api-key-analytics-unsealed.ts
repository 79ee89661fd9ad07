import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** Rows of a batch that came from a counter file whose process had not sealed it, in chunks. */
export class ApiKeyAnalyticsUnsealed {
  instance!: string
  sequence!: number
  chunk!: number
  /** A JSON array of rows, as they were added. */
  content!: string
  addedAt!: Date
}

/** Table `api_key_analytics_unsealed`: when another copy delivers the same batch, only the difference is added. */
export const ApiKeyAnalyticsUnsealedSchema: EntitySchema<ApiKeyAnalyticsUnsealed> = defineEntity({
  class: ApiKeyAnalyticsUnsealed,
  tableName: 'api_key_analytics_unsealed',
  properties: {
    instance: p.uuid().fieldName('instance').primary(),
    sequence: p.bigint('number').fieldName('sequence').primary(),
    chunk: p.integer().fieldName('chunk').primary(),
    content: p.text().fieldName('content'),
    addedAt: p.datetime().fieldName('added_at'),
  },
})
