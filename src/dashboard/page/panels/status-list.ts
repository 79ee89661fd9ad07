import { shareOf, titleOfAmount } from '../../../report/usage/amount.ts'
import type { Activity } from '../ask-api.ts'
import { amountIn, formatCount, formatShare, toAmount } from '../format.ts'
import { make } from '../make.ts'

/** Requests, or a unit, by status, with their share as a bar. */
export function drawStatuses({ statuses, total, unit }: Activity): HTMLElement {
  const rows = statuses.map(({ status, amount: sent }) => {
    const amount = toAmount(sent)
    const share = shareOf(amount, amountIn(total))
    const meter = make('span', { class: `bar class-${Math.floor(status / 100)}` })
    meter.style.setProperty('--share', String(share))
    return make(
      'tr',
      {},
      make('th', { scope: 'row' }, String(status)),
      make('td', { class: 'wide' }, meter),
      make('td', { class: 'number' }, formatCount(amount)),
      make('td', { class: 'number soft' }, formatShare(share)),
    )
  })
  return make(
    'table',
    { class: 'statuses' },
    make('caption', { class: 'unseen' }, `${titleOfAmount(unit)} by status`),
    make('tbody', {}, ...rows),
  )
}
