export { apiKeyAnalytics, type AnalyticsStats, type ApiKeyAnalytics } from './analytics.ts'
export type { CounterMode } from './buffer/file/counter-memory.ts'
export type { EndpointAccess } from './capture/count-access.ts'
export { setApiKey, type ApiKey, type NamedApiKey } from './capture/set-api-key.ts'
export { setEndpoint } from './capture/set-endpoint.ts'
export { analyticsDashboard, type AnalyticsDashboard, type DashboardOptions } from './dashboard/dashboard.ts'
export { measureLatency, mergeBins, type DurationBins, type Latency } from './model/duration-bins.ts'
export { AnalyticsError, type AnalyticsErrorCode } from './model/errors.ts'
export { openUsage } from './open-usage.ts'
export type { AnalyticsOptions, FindEndpoint, Identify, KnownRouter } from './options/options.ts'
export { findFindings, type SecurityFindings, type SecurityOptions } from './security/find-findings.ts'
export type { Finding, FindingKind, FindingSource, Severity } from './security/finding.ts'
export { DEFAULT_THRESHOLDS, type Thresholds } from './security/thresholds.ts'
export {
  OTHER_ENDPOINT,
  OTHER_KEY,
  OTHER_METHOD,
  REJECTED_KEY,
  UNMATCHED_ENDPOINT,
  type BucketMinutes,
  type KeyIdentity,
  type KeyOwner,
  type KeyRecord,
  type MostAccessedOptions,
  type Operation,
  type StatusFilter,
  type StoredUsageRow,
  type StreamQuery,
  type TrendStep,
  type Usage,
  type UsageDimension,
  type UsageFilter,
  type UsageQuery,
  type UsageRow,
  type UsageSort,
} from './usage.ts'
