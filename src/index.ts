export { apiKeyAnalytics } from './analytics.ts'
export type { ApiKeyAnalytics } from './api-key-analytics.ts'
export { apiKeyUsage } from './self-service/api-key-usage.ts'
export type { ApiKeyUsageOptions } from './self-service/usage-options.ts'
export type { CounterMode } from './buffer/file/counter-memory.ts'
export type { EndpointAccess } from './capture/count-access.ts'
export { setApiKey } from './capture/key/set-api-key.ts'
export { setEndpoint } from './capture/endpoint/set-endpoint.ts'
export { addUsage, setUsage } from './capture/usage/set-usage.ts'
export { analyticsDashboard, type AnalyticsDashboard, type DashboardOptions } from './dashboard/dashboard.ts'
export { AnalyticsError, type AnalyticsErrorCode } from './model/errors.ts'
export { measureQuantileUs, mergeLatency, type Latency, type LatencyStep } from './model/latency.ts'
export { openUsage } from './open-usage.ts'
export type { AnalyticsOptions, FindEndpoint, Identify, KnownRouter } from './options/options.ts'
export { findFindings, type SecurityFindings, type SecurityOptions } from './security/find-findings.ts'
export type { Severity } from './model/severity.ts'
export type { Finding, FindingKind, FindingSource } from './security/finding.ts'
export { DEFAULT_THRESHOLDS, type Thresholds } from './security/thresholds.ts'
export type { BucketMinutes } from './model/batch.ts'
export { OTHER_KEY, REJECTED_KEY } from './model/key.ts'
export type { ApiKey, KeyIdentity, KeyOwner, KeyRecord } from './model/key.ts'
export type {
  MeasuredQuota,
  NewQuota,
  Quota,
  QuotaFilter,
  QuotaMeasurement,
  QuotaName,
  QuotaPeriod,
  QuotaState,
  QuotaSubject,
} from './model/quota.ts'
export { OTHER_ENDPOINT, OTHER_METHOD, UNMATCHED_ENDPOINT } from './model/operation.ts'
export type { ClosedStatement, ClosePeriodOptions } from './model/closing.ts'
export type {
  AccountNames,
  AccountWithLines,
  CorrectedPeriod,
  Quantities,
  StatementAccount,
  StatementCheck,
  StatementDocument,
  StatementFilter,
  StatementHeader,
  StatementLine,
  StatementPeriod,
  StatementSignature,
  StatementSummary,
  StatementTotals,
} from './model/statement.ts'
export type { Operation } from './model/operation.ts'
export type {
  DeprecatedCaller,
  DeprecatedRoute,
  DeprecatedRoutesOptions,
  ListedRoute,
  NewDeprecation,
  Route,
  UnusedRoute,
  UnusedRoutes,
  UnusedRoutesOptions,
  UnusedState,
} from './model/route.ts'
export type {
  MostAccessedOptions,
  OperationFilter,
  StatusFilter,
  StreamQuery,
  UsageDimension,
  UsageFilter,
  UsageQuery,
  UsageSort,
} from './model/usage-query.ts'
export type { StoredUsageRow, TrendStep, UsageQuantity, UsageRow } from './model/usage-row.ts'
export type { Usage, UsageOptions } from './model/usage.ts'
export type { AnalyticsStats } from './monitoring/analytics-stats.ts'
export type { AnalyticsHealth } from './monitoring/judge-health.ts'
export { observeMetrics, type ObservingMeter } from './monitoring/observe-metrics.ts'
export { PROMETHEUS_TYPE } from './monitoring/render-prometheus.ts'
