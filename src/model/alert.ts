import type { KeyIdentity } from './key.ts'
import type { QuotaPeriod } from './quota.ts'
import type { Severity } from './severity.ts'

/** What fired: a threshold of a quota, or a security finding. */
export type AlertKind = 'quota' | 'finding'

/** `disabled`: the webhook answered 410. `given up`: every attempt failed. */
export type DeliveryState = 'pending' | 'delivered' | 'disabled' | 'given up'

/** What was seen of a quota. Whole numbers as text, because they may exceed 2^53. */
export interface QuotaContent {
  readonly unit: string
  readonly per: QuotaPeriod
  readonly timeZone: string
  readonly limit: string
  readonly used: string
}

/** What was seen of a security finding. */
export interface FindingContent {
  readonly rule: string
  readonly seen: string
  readonly normal: string
  readonly advice: string
  readonly endpoints: readonly string[]
  readonly from: string
  readonly to: string
  readonly requestCount: number
}

type Content =
  | { readonly kind: 'quota'; readonly content: QuotaContent }
  | { readonly kind: 'finding'; readonly content: FindingContent }

/** What may fire, before it is known whether it did already. */
export type AlertCandidate = Content & {
  /** Null for an alert about an owner, or about many keys. */
  readonly keyId: string | null
  /** Only of an alert about the quota of an owner. */
  readonly owner: string | null
  /** `tokens per month` of a quota, `refused-key` of a finding. */
  readonly subject: string
  /** The period in which it fires once, until exclusive. */
  readonly since: Date
  readonly until: Date
  /** Percent of the limit; null for a finding. */
  readonly threshold: number | null
  /** The limit of the quota, or the rank of the severity: a higher one fires again in the same period. */
  readonly level: bigint
  /** When the quota was set; null for a finding. A quota that is set for a new owner of an old name fires alerts of its own. */
  readonly setAt: Date | null
  readonly severity: Severity
}

/** An alert that fired. */
export type Alert = Content &
  Omit<AlertCandidate, 'keyId' | 'level' | 'setAt' | 'kind' | 'content'> & {
    /** UUID; the same in every attempt to deliver it. */
    readonly id: string
    readonly key: KeyIdentity | null
    readonly firedAt: Date
  }

/** An alert on its way to one webhook. */
export interface AlertDelivery {
  readonly alertId: string
  readonly webhook: string
  readonly state: DeliveryState
  readonly attempts: number
  readonly nextAttemptAt: Date
  readonly deliveredAt: Date | null
  readonly lastError: string | null
}
