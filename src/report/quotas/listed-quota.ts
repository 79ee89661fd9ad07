import type { MeasuredQuota } from '../../model/quota.ts'

/** A quota as it is shown. */
export interface ListedQuota extends MeasuredQuota {
  /** Name of the key or the owner. */
  readonly name: string
  /** `limit - used`, 0 at least. */
  readonly remaining: bigint
  /** `used / limit`; above 1 when more was used. */
  readonly share: number
}

/** The data of `quotas list --json`. */
export interface QuotaList {
  /** The database has what every process counted up to then. */
  readonly completeUntil: Date | null
  /** The most used first. */
  readonly quotas: readonly ListedQuota[]
}

/** The most used quotas, and how many there are. */
export interface MostUsedQuotas extends QuotaList {
  readonly quotaCount: number
}
