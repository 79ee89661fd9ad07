import { askApi } from '../ask-api.ts'
import type { Alert, AlertDelivery, Alerts } from '../ask-api.ts'
import { describeFacts, drawNotice } from './draw-notice.ts'
import type { Addresses } from './draw-notice.ts'
import { countOf, formatCount, formatTime } from '../format.ts'
import { foreign, make } from '../make.ts'
import { OpenedPanel } from './opened-panel.ts'

/** The alerts of the last 30 days, and whether they were delivered. */
export function makeAlertsPanel(addresses: Addresses): OpenedPanel {
  return new OpenedPanel('Alerts of the last 30 days', async () => {
    const { alerts, notes } = await askApi<Alerts>('alerts', {}, AbortSignal.timeout(30_000))
    const waiting = alerts.filter(({ deliveries }) => deliveries.some(({ state }) => state !== 'delivered'))
    const about =
      alerts.length > 0
        ? `Alerts: ${formatCount(alerts.length)}. Not delivered yet: ${formatCount(waiting.length)}.`
        : 'Nothing fired. "apikey-analytics alerts check" fires alerts, by a schedule.'
    return [
      make('p', { class: 'soft' }, about),
      ...alerts.map((alert) => drawAlert(alert, addresses)),
      ...notes.map((note) => make('p', { class: 'soft' }, note)),
    ]
  })
}

function drawAlert(alert: Alert, addresses: Addresses): HTMLElement {
  const { severity, title, key, owner, seen, firedAt, deliveries } = alert
  const facts = describeFacts([
    ['Seen', foreign(seen)],
    ['Fired', `${formatTime(firedAt, 'UTC')} (UTC)`],
    ...(deliveries.length > 0
      ? deliveries.map((delivery) => ['Sent to', describe(delivery)] as const)
      : [['Sent to', 'no webhook'] as const]),
  ])
  return drawNotice({ severity, title, key, owner }, facts, addresses)
}

const STATES = {
  pending: 'waits for the next check',
  disabled: 'not sent: it answered 410 Gone',
  'given up': 'given up',
} as const

function describe({ webhook, state, attempts, deliveredAt, lastError }: AlertDelivery): Node {
  if (deliveredAt !== null)
    return make('span', {}, foreign(webhook), `: delivered ${formatTime(deliveredAt, 'UTC')}`)
  const reason = lastError !== null && state !== 'disabled' ? `, ${lastError}` : ''
  const tried = attempts > 0 ? `, ${countOf(attempts, 'attempt')}` : ''
  const how = make('strong', {}, state === 'delivered' ? state : STATES[state])
  return make('span', {}, foreign(webhook), ': ', how, `${tried}${reason}`)
}
