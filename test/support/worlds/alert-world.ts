import type { AlertCandidate } from '../../../src/model/alert.ts'
import type { Webhook } from '../../../src/alerts/webhook.ts'
import { identifyAlerts, recordAlerts } from '../../../src/store/alerts/record-alerts.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import type { WebhookReceiver } from '../apps/webhook-receiver.ts'

/** An alert of a quota that may fire; its owner tells it from others. */
export function makeCandidate(owner: string, rest: Partial<AlertCandidate> = {}): AlertCandidate {
  return {
    kind: 'quota',
    keyId: null,
    owner,
    subject: 'requests per month',
    since: new Date('2026-11-01T00:00Z'),
    until: new Date('2026-12-01T00:00Z'),
    threshold: 80,
    level: 1000n,
    setAt: new Date('2026-10-01T00:00Z'),
    severity: 'medium',
    content: { unit: 'requests', per: 'month', timeZone: 'UTC', limit: '1000', used: '812' },
    ...rest,
  } as AlertCandidate
}

/** The webhook of a receiver. */
export function toWebhook({ url, name, secret }: WebhookReceiver): Webhook {
  return { name, url: new URL(url), secrets: [secret] }
}

/** Fires alerts without a check. @returns their ids */
export async function fire(
  db: Database,
  candidates: readonly AlertCandidate[],
  webhooks: readonly string[],
  now = Date.now(),
): Promise<string[]> {
  const fired = await recordAlerts(db, await identifyAlerts(db, candidates), webhooks, now)
  return [...fired]
}

/** A clock that only `pause` and the test move; also the one of `Date` when it is faked. */
export class TestClock {
  time: number
  readonly #onMove: (time: number) => void

  constructor(time: number, onMove: (time: number) => void = () => {}) {
    this.time = time
    this.#onMove = onMove
  }

  readonly now = (): number => this.time
  readonly pause = async (ms: number): Promise<void> => this.move(ms)

  move(ms: number): void {
    this.time += ms
    this.#onMove(this.time)
  }
}
