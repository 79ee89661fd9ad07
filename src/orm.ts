export {
  ApiKeyAnalyticsAlertDelivery,
  ApiKeyAnalyticsAlertDeliverySchema,
} from './store/database/entities/api-key-analytics-alert-delivery.ts'
export {
  ApiKeyAnalyticsAlert,
  ApiKeyAnalyticsAlertSchema,
} from './store/database/entities/api-key-analytics-alert.ts'
export {
  ApiKeyAnalyticsGap,
  ApiKeyAnalyticsGapSchema,
} from './store/database/entities/api-key-analytics-gap.ts'
export {
  ApiKeyAnalyticsKey,
  ApiKeyAnalyticsKeySchema,
  type SetBy,
} from './store/database/entities/api-key-analytics-key.ts'
export {
  ApiKeyAnalyticsLedgerUnit,
  ApiKeyAnalyticsLedgerUnitSchema,
} from './store/database/entities/api-key-analytics-ledger-unit.ts'
export {
  ApiKeyAnalyticsLedger,
  ApiKeyAnalyticsLedgerSchema,
} from './store/database/entities/api-key-analytics-ledger.ts'
export {
  ApiKeyAnalyticsMeta,
  ApiKeyAnalyticsMetaSchema,
} from './store/database/entities/api-key-analytics-meta.ts'
export {
  ApiKeyAnalyticsLink,
  ApiKeyAnalyticsLinkSchema,
} from './store/database/entities/api-key-analytics-link.ts'
export {
  ApiKeyAnalyticsOwner,
  ApiKeyAnalyticsOwnerSchema,
} from './store/database/entities/api-key-analytics-owner.ts'
export {
  ApiKeyAnalyticsOwnerUsage,
  ApiKeyAnalyticsOwnerUsageSchema,
} from './store/database/entities/api-key-analytics-owner-usage.ts'
export {
  ApiKeyAnalyticsPrune,
  ApiKeyAnalyticsPruneSchema,
} from './store/database/entities/api-key-analytics-prune.ts'
export {
  ApiKeyAnalyticsPrunedQuantity,
  ApiKeyAnalyticsPrunedQuantitySchema,
} from './store/database/entities/api-key-analytics-pruned-quantity.ts'
export {
  ApiKeyAnalyticsQuantity,
  ApiKeyAnalyticsQuantitySchema,
} from './store/database/entities/api-key-analytics-quantity.ts'
export {
  ApiKeyAnalyticsQuota,
  ApiKeyAnalyticsQuotaSchema,
} from './store/database/entities/api-key-analytics-quota.ts'
export {
  ApiKeyAnalyticsStatement,
  ApiKeyAnalyticsStatementSchema,
} from './store/database/entities/api-key-analytics-statement.ts'
export {
  ApiKeyAnalyticsStatementAccount,
  ApiKeyAnalyticsStatementAccountSchema,
} from './store/database/entities/api-key-analytics-statement-account.ts'
export {
  ApiKeyAnalyticsStatementLine,
  ApiKeyAnalyticsStatementLineSchema,
} from './store/database/entities/api-key-analytics-statement-line.ts'
export {
  ApiKeyAnalyticsStatementOwner,
  ApiKeyAnalyticsStatementOwnerSchema,
} from './store/database/entities/api-key-analytics-statement-owner.ts'
export {
  ApiKeyAnalyticsStatementRemoval,
  ApiKeyAnalyticsStatementRemovalSchema,
} from './store/database/entities/api-key-analytics-statement-removal.ts'
export {
  ApiKeyAnalyticsUnsealed,
  ApiKeyAnalyticsUnsealedSchema,
} from './store/database/entities/api-key-analytics-unsealed.ts'
export { ApiKeyAnalytics, ApiKeyAnalyticsSchema } from './store/database/entities/api-key-analytics.ts'
export { ENTITIES } from './store/database/entities/entities.ts'
export { getOrm } from './store/get-orm.ts'
export { MIGRATIONS_TABLE } from './store/database/migrations/migration-names.ts'
export { MIGRATIONS } from './store/database/migrations/migrations.ts'
