import { ApiKeyAnalyticsAlertDeliverySchema } from './api-key-analytics-alert-delivery.ts'
import { ApiKeyAnalyticsAlertSchema } from './api-key-analytics-alert.ts'
import { ApiKeyAnalyticsGapSchema } from './api-key-analytics-gap.ts'
import { ApiKeyAnalyticsImportQuantitySchema } from './api-key-analytics-import-quantity.ts'
import { ApiKeyAnalyticsImportSchema } from './api-key-analytics-import.ts'
import { ApiKeyAnalyticsKeySchema } from './api-key-analytics-key.ts'
import { ApiKeyAnalyticsLedgerUnitSchema } from './api-key-analytics-ledger-unit.ts'
import { ApiKeyAnalyticsLedgerSchema } from './api-key-analytics-ledger.ts'
import { ApiKeyAnalyticsLinkSchema } from './api-key-analytics-link.ts'
import { ApiKeyAnalyticsMetaSchema } from './api-key-analytics-meta.ts'
import { ApiKeyAnalyticsOwnerUsageSchema } from './api-key-analytics-owner-usage.ts'
import { ApiKeyAnalyticsOwnerSchema } from './api-key-analytics-owner.ts'
import { ApiKeyAnalyticsPruneSchema } from './api-key-analytics-prune.ts'
import { ApiKeyAnalyticsPrunedQuantitySchema } from './api-key-analytics-pruned-quantity.ts'
import { ApiKeyAnalyticsQuantitySchema } from './api-key-analytics-quantity.ts'
import { ApiKeyAnalyticsQuotaSchema } from './api-key-analytics-quota.ts'
import { ApiKeyAnalyticsRouteSchema } from './api-key-analytics-route.ts'
import { ApiKeyAnalyticsStatementSchema } from './api-key-analytics-statement.ts'
import { ApiKeyAnalyticsStatementAccountSchema } from './api-key-analytics-statement-account.ts'
import { ApiKeyAnalyticsStatementLineSchema } from './api-key-analytics-statement-line.ts'
import { ApiKeyAnalyticsStatementOwnerSchema } from './api-key-analytics-statement-owner.ts'
import { ApiKeyAnalyticsStatementRemovalSchema } from './api-key-analytics-statement-removal.ts'
import { ApiKeyAnalyticsUnsealedSchema } from './api-key-analytics-unsealed.ts'
import { ApiKeyAnalyticsSchema } from './api-key-analytics.ts'

/** Every table of this package except MikroORM's own list of migrations. */
export const ENTITIES = [
  ApiKeyAnalyticsSchema,
  ApiKeyAnalyticsQuantitySchema,
  ApiKeyAnalyticsKeySchema,
  ApiKeyAnalyticsLinkSchema,
  ApiKeyAnalyticsOwnerSchema,
  ApiKeyAnalyticsOwnerUsageSchema,
  ApiKeyAnalyticsLedgerSchema,
  ApiKeyAnalyticsLedgerUnitSchema,
  ApiKeyAnalyticsGapSchema,
  ApiKeyAnalyticsUnsealedSchema,
  ApiKeyAnalyticsPruneSchema,
  ApiKeyAnalyticsPrunedQuantitySchema,
  ApiKeyAnalyticsImportSchema,
  ApiKeyAnalyticsImportQuantitySchema,
  ApiKeyAnalyticsQuotaSchema,
  ApiKeyAnalyticsRouteSchema,
  ApiKeyAnalyticsStatementSchema,
  ApiKeyAnalyticsStatementAccountSchema,
  ApiKeyAnalyticsStatementLineSchema,
  ApiKeyAnalyticsStatementOwnerSchema,
  ApiKeyAnalyticsStatementRemovalSchema,
  ApiKeyAnalyticsAlertSchema,
  ApiKeyAnalyticsAlertDeliverySchema,
  ApiKeyAnalyticsMetaSchema,
]
