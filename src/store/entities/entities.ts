import { ApiKeyAnalyticsKeySchema } from './api-key-analytics-key.ts'
import { ApiKeyAnalyticsLedgerSchema } from './api-key-analytics-ledger.ts'
import { ApiKeyAnalyticsMetaSchema } from './api-key-analytics-meta.ts'
import { ApiKeyAnalyticsPruneSchema } from './api-key-analytics-prune.ts'
import { ApiKeyAnalyticsSchema } from './api-key-analytics.ts'

/** Every table of this package but MikroORM's own list of migrations. */
export const ENTITIES = [
  ApiKeyAnalyticsSchema,
  ApiKeyAnalyticsKeySchema,
  ApiKeyAnalyticsLedgerSchema,
  ApiKeyAnalyticsPruneSchema,
  ApiKeyAnalyticsMetaSchema,
]
