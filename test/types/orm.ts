/** Queries of one's own, as TypeScript sees them: compiled against the built package, never run. */
import { openUsage } from 'apikey-analytics'
import { ApiKeyAnalytics, ApiKeyAnalyticsKey, ENTITIES, MIGRATIONS, getOrm } from 'apikey-analytics/orm'

const usage = await openUsage()
const em = getOrm(usage).em.fork()
export const stored: ApiKeyAnalytics[] = await em.find(ApiKeyAnalytics, { apiKey: { owner: 'Acme' } })
export const keys: number = await em.count(ApiKeyAnalyticsKey)
export const tables: number = ENTITIES.length
export const migrations: string[] = MIGRATIONS.map((migration) => migration.name)

// @ts-expect-error -- only a Usage has a MikroORM behind it
getOrm({})
