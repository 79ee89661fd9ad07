import type { AlertDelivery } from '../model/alert.ts'
import type { AlertRecord } from './describe-alert.ts'

/** How far an alert is on its way to a webhook. */
export type ListedDelivery = Omit<AlertDelivery, 'alertId' | 'nextAttemptAt'> & {
  /** Null when there is none. */
  readonly nextAttemptAt: Date | null
}

/** An alert of a list. */
export type ListedAlert = AlertRecord & {
  /** What fired: `80% of tokens per month`, `refused-key`. */
  readonly title: string
  readonly who: string
  /** What was seen, without who. */
  readonly seen: string
  readonly deliveries: readonly ListedDelivery[]
}

/** Alerts that fired, newest first, and where they were delivered. */
export interface AlertList {
  readonly since: Date
  readonly alerts: readonly ListedAlert[]
  readonly notes: readonly string[]
}
