import { ApiKeyAnalyticsGapSchema } from './api-key-analytics-gap.ts'
import { ApiKeyAnalyticsKeySchema } from './api-key-analytics-key.ts'
import { ApiKeyAnalyticsLedgerSchema } from './api-key-analytics-ledger.ts'
import { ApiKeyAnalyticsMetaSchema } from './api-key-analytics-meta.ts'
import { ApiKeyAnalyticsOwnerSchema } from './api-key-analytics-owner.ts'
import { ApiKeyAnalyticsPruneSchema } from './api-key-analytics-prune.ts'
import { ApiKeyAnalyticsUnsealedSchema } from './api-key-analytics-unsealed.ts'
import { ApiKeyAnalyticsSchema } from './api-key-analytics.ts'

/** Every table of this package except MikroORM's own list of migrations. */
export const ENTITIES = [
  ApiKeyAnalyticsSchema,
  ApiKeyAnalyticsKeySchema,
  ApiKeyAnalyticsOwnerSchema,
  ApiKeyAnalyticsLedgerSchema,
  ApiKeyAnalyticsGapSchema,
  ApiKeyAnalyticsUnsealedSchema,
  ApiKeyAnalyticsPruneSchema,
  ApiKeyAnalyticsMetaSchema,
]
