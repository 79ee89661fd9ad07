import type { Activity } from './ask-api.ts'
import { formatCount, formatShare } from './format.ts'
import { make } from './make.ts'

/** Requests by status, with their share as a bar. */
export function drawStatuses({ statuses, total }: Activity): HTMLElement {
  const rows = statuses.map(({ status, requests }) => {
    const share = total.requests ? requests / total.requests : 0
    const meter = make('span', { class: `bar class-${Math.floor(status / 100)}` })
    meter.style.setProperty('--share', String(share))
    return make(
      'tr',
      {},
      make('th', { scope: 'row' }, String(status)),
      make('td', { class: 'wide' }, meter),
      make('td', { class: 'number' }, formatCount(requests)),
      make('td', { class: 'number soft' }, formatShare(share)),
    )
  })
  return make(
    'table',
    { class: 'statuses' },
    make('caption', { class: 'unseen' }, 'Requests by status'),
    make('tbody', {}, ...rows),
  )
}
