import { defineEntity, p } from '@mikro-orm/core'
import type { EntitySchema } from '@mikro-orm/core'

/** An operation of the routers of an app, and whether it is deprecated. */
export class ApiKeyAnalyticsRoute {
  endpoint!: string
  /** `*` for a route of every method. */
  method!: string
  /** Null when no app has registered it. */
  firstRegisteredAt!: Date | null
  lastRegisteredAt!: Date | null
  firstRelease!: string | null
  lastRelease!: string | null
  /** Start of the last hour with a request. */
  lastCalledAt!: Date | null
  deprecatedAt!: Date | null
  sunsetAt!: Date | null
  /** URL of a page about the deprecation. */
  link!: string | null
}

/** Table `api_key_analytics_routes`. */
export const ApiKeyAnalyticsRouteSchema: EntitySchema<ApiKeyAnalyticsRoute> = defineEntity({
  class: ApiKeyAnalyticsRoute,
  tableName: 'api_key_analytics_routes',
  properties: {
    endpoint: p.text().fieldName('endpoint').primary().ignoreSchemaChanges('collation'),
    method: p.text().fieldName('method').primary().ignoreSchemaChanges('collation'),
    firstRegisteredAt: p.datetime().fieldName('first_registered_at').nullable(),
    lastRegisteredAt: p.datetime().fieldName('last_registered_at').nullable(),
    firstRelease: p.text().fieldName('first_release').nullable(),
    lastRelease: p.text().fieldName('last_release').nullable(),
    lastCalledAt: p.datetime().fieldName('last_called_at').nullable(),
    deprecatedAt: p.datetime().fieldName('deprecated_at').nullable(),
    sunsetAt: p.datetime().fieldName('sunset_at').nullable(),
    link: p.text().fieldName('link').nullable(),
  },
})
