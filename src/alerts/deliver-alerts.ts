import { setTimeout as sleep } from 'node:timers/promises'
import { faultPoint } from '../model/fault-point.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import {
  claimDelivery,
  countDeliveries,
  disableWebhook,
  noteDelivered,
  noteFailed,
} from '../store/alerts/note-delivery.ts'
import { readDue } from '../store/alerts/read-alerts.ts'
import type { DueDelivery } from '../store/alerts/read-alerts.ts'
import type { Database } from '../store/database/open-database.ts'
import { HOUR_MS, MINUTE_MS } from '../time/units.ts'
import { toAlertRecord } from './describe-alert.ts'
import { sendWebhook, TIMEOUT_MS } from './send-webhook.ts'
import type { Message } from './send-webhook.ts'
import type { Webhook } from './webhook.ts'

/** Waits after the first failed attempt, the second …; the last one repeats. With all of them about three days. */
const WAITS_MS = [
  5000,
  30_000,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  6 * HOUR_MS,
]
/** Counted, not timed: a clock that jumps ahead must not give anything up. */
export const MOST_ATTEMPTS = 20
/** Jitter makes a wait up to half as long again. */
const LONGEST_WAIT_MS = 1.5 * Math.max(...WAITS_MS)
/** So long a process that sends keeps others from it, or one that died. Others do not wait for that. */
const CLAIM_MS = TIMEOUT_MS + 10_000
/** So long a run waits to try again; what is left is for the next run. */
const PATIENCE_MS = 20_000
/** So long a run sends, so that runs of a schedule do not pile up behind a slow receiver. */
const RUN_MS = 60_000
/** After as many failures one after the other a receiver is away, and the others of its messages wait too. */
const FAILURES_IN_A_ROW = 3
const PAGE = 100

/** What time, chance and waiting are. */
export interface DeliveryOptions {
  readonly now?: () => number
  readonly random?: () => number
  readonly pause?: (ms: number) => Promise<unknown>
  readonly timeoutMs?: number
}

/** What a run did for one webhook, and what is left. */
export interface WebhookSummary {
  readonly webhook: string
  readonly delivered: number
  /** Attempts. */
  readonly failed: number
  readonly givenUp: number
  /** Wait for the next check. */
  readonly pending: number
  /** Wait until a person says that the webhook is back. */
  readonly disabled: number
  /** Of the last failed attempt of this run. */
  readonly lastError: string | null
}

/** Sends all that is due to some webhooks, to all of them at the same time. */
export function deliverAlerts(
  db: Database,
  webhooks: readonly Webhook[],
  options: DeliveryOptions = {},
): Promise<WebhookSummary[]> {
  return Promise.all(webhooks.map((webhook) => new Delivery(db, webhook, options).run()))
}

/** One run for one webhook. */
class Delivery {
  readonly #db: Database
  readonly #webhook: Webhook
  readonly #options: Required<DeliveryOptions>
  #delivered = 0
  #failed = 0
  #givenUp = 0
  #lastError: string | null = null
  #isGone = false
  readonly #end = performance.now() + RUN_MS

  constructor(db: Database, webhook: Webhook, options: DeliveryOptions) {
    this.#db = db
    this.#webhook = webhook
    this.#options = { now: Date.now, random: Math.random, pause: sleep, timeoutMs: TIMEOUT_MS, ...options }
  }

  async run(): Promise<WebhookSummary> {
    const { now, pause } = this.#options
    // not measured by the clock, which may jump
    for (let waited = 0; ;) {
      const isAway = await this.#sendDue()
      const { nextAttemptAt } = await countDeliveries(this.#db, this.#webhook.name)
      const wait = Math.max(0, (nextAttemptAt ?? Infinity) - now(), isAway ? WAITS_MS[0]! : 0)
      waited += wait
      if (this.#isGone || this.#isLate() || waited > PATIENCE_MS) break
      await pause(wait)
    }
    const { nextAttemptAt: _, ...left } = await countDeliveries(this.#db, this.#webhook.name)
    return {
      webhook: this.#webhook.name,
      delivered: this.#delivered,
      failed: this.#failed,
      givenUp: this.#givenUp,
      ...left,
      lastError: this.#lastError,
    }
  }

  /** @returns whether the receiver seems to be away */
  async #sendDue(): Promise<boolean> {
    let inARow = 0
    for (;;) {
      const now = this.#options.now()
      const page = { now, longestWaitMs: LONGEST_WAIT_MS, limit: PAGE }
      const due = await readDue(this.#db, this.#webhook.name, page)
      for (const delivery of due) {
        const isSent = await this.#attempt(delivery)
        if (this.#isGone || this.#isLate()) return true
        inARow = isSent ? 0 : inARow + 1
        if (inARow === FAILURES_IN_A_ROW) return true
      }
      if (due.length < PAGE) return false
    }
  }

  /** @returns false when it failed; true also when another process has it */
  async #attempt(delivery: DueDelivery): Promise<boolean> {
    const { now, timeoutMs } = this.#options
    const attempt = delivery.attempts + 1
    if (!(await claimDelivery(this.#db, delivery, now() + CLAIM_MS))) return true
    faultPoint('alert claimed')
    const sent = await sendWebhook(this.#webhook, toMessage(delivery), { now: now(), timeoutMs })
    faultPoint('alert sent')
    if (sent.result === 'delivered') {
      await noteDelivered(this.#db, delivery, now())
      this.#delivered += 1
      return true
    }
    this.#failed += 1
    this.#lastError = sent.error
    if (sent.result === 'gone') {
      await disableWebhook(this.#db, delivery.webhook, sent.error)
      this.#isGone = true
    } else {
      const nextAttemptAt = attempt < MOST_ATTEMPTS ? now() + this.#waitAfter(attempt) : undefined
      if (nextAttemptAt === undefined) this.#givenUp += 1
      await noteFailed(this.#db, delivery, { error: sent.error, nextAttemptAt })
    }
    return false
  }

  #isLate(): boolean {
    return performance.now() > this.#end
  }

  #waitAfter(attempt: number): number {
    const wait = WAITS_MS[Math.min(attempt, WAITS_MS.length) - 1]!
    // many alerts that failed together are not sent together again
    return Math.round(wait * (0.5 + this.#options.random()))
  }
}

/** The form that Standard Webhooks recommends. */
function toMessage({ alert }: DueDelivery): Message {
  const type = alert.kind === 'quota' ? 'quota.threshold' : 'security.finding'
  return {
    id: alert.id,
    body: stringifyJson({ type, timestamp: alert.firedAt, data: toAlertRecord(alert) }),
  }
}
