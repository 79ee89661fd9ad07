/** The calendar periods of quotas. */
export const QUOTA_PERIODS = ['day', 'week', 'month'] as const
/** How long a quota lasts until it begins again. */
export type QuotaPeriod = (typeof QUOTA_PERIODS)[number]

/** Largest limit: headers cannot hold a larger whole number (RFC 9651). */
export const HIGHEST_LIMIT = 999_999_999_999_999n

/** What a quota limits: one key, or all keys of an owner together. */
export type QuotaSubject = { readonly keyId: string } | { readonly owner: string }

/** How much of a unit a key or an owner may use in each period. Nothing is refused by us: the app decides. */
export interface Quota {
  /** The key that it limits; null for the quota of an owner. */
  readonly keyId: string | null
  /** The owner that it limits; null for the quota of a key. */
  readonly owner: string | null
  /** `requests`, or a unit of the app such as `tokens`. */
  readonly unit: string
  readonly per: QuotaPeriod
  /** IANA name of the time zone in which its periods begin. */
  readonly timeZone: string
  readonly limit: bigint
  /** When the limit or the time zone was changed last. */
  readonly setAt: Date
}

/** What names one quota: a subject has at most one per unit and period. */
export type QuotaName = QuotaSubject & Pick<Quota, 'unit' | 'per'>

/** A quota to set. */
export type NewQuota = QuotaName & {
  readonly limit: number | bigint
  /** Default: as before, else `UTC`. */
  readonly timeZone?: string | undefined
}

/** Whose quotas: those of these keys (ids) and of these owners. Absent: all. */
export interface QuotaFilter {
  readonly keyIds?: readonly string[] | undefined
  readonly owners?: readonly string[] | undefined
}

/** A quota and what was used of it in one period, the present one where nothing else is said. */
export interface MeasuredQuota extends Quota {
  readonly used: bigint
  /** The period: `since` inclusive, `until` exclusive. Then a new one begins with nothing used. */
  readonly since: Date
  readonly until: Date
}

/** Quotas as the database knows them. */
export interface QuotaMeasurement {
  /**
   * The database has what every process counted up to then; a process that has delivered nothing for five minutes is
   * taken to have nothing. Null when nothing was ever delivered.
   */
  readonly completeUntil: Date | null
  readonly quotas: readonly MeasuredQuota[]
}

/** The quotas that an app keeps in memory. */
export interface StoredQuotas extends QuotaMeasurement {
  /** The present owners of keys, where an owner has a quota or a person set the owner. */
  readonly owners: readonly (readonly [keyId: string, owner: string | null])[]
  /** The ids of the keys that are linked to a key with a quota, and its own: what one of them uses counts for all. */
  readonly lines: readonly (readonly string[])[]
}

/** Of an app without quotas. */
export const NO_QUOTAS: StoredQuotas = { completeUntil: null, quotas: [], owners: [], lines: [] }

/** A quota of a request, from memory: the use of this process is in it up to now. */
export interface QuotaState {
  /** Whether it limits the key, or all keys of its owner together. */
  readonly of: 'key' | 'owner'
  /** The owner whose quota it is; null for the quota of a key. */
  readonly owner: string | null
  /** `requests`, or such as `tokens`. */
  readonly unit: string
  readonly per: QuotaPeriod
  readonly limit: number
  /** May be more than the limit, because nothing is refused by us. */
  readonly used: number
  /** `limit - used`, 0 at least. */
  readonly remaining: number
  readonly startedAt: Date
  readonly resetsAt: Date
  /** Up to when it contains the use of other processes; null when nothing was delivered yet. */
  readonly completeUntil: Date | null
}
