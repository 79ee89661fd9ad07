import { nameOfAmount, shareOf, titleOfAmount } from '../../../report/usage/amount.ts'
import type { SentAmount } from '../ask-api.ts'
import { formatCount, toAmount } from '../format.ts'
import { make } from '../make.ts'

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
/** Number of distinguishable shades; shade 0 is no requests. */
const LEVELS = 8

/** Requests, or a unit, per hour of the day and weekday, as a table with coloured cells. */
export function drawHeatMap(heat: readonly (readonly SentAmount[])[], unit: string | undefined): HTMLElement {
  const most = Math.max(1, ...heat.flat().map(Number))
  const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'))
  const head = hours.map((hour, index) =>
    make('th', { scope: 'col', class: index % 3 ? 'between' : undefined }, hour),
  )
  const rows = heat.map((day, index) => {
    const cells = day.map((sent, hour) => {
      const count = toAmount(sent)
      // The square root also shows differences among small counts.
      const level = Math.ceil(Math.sqrt(shareOf(count, most)) * LEVELS)
      const title = `${DAYS[index]} ${hours[hour]}:00 – ${formatCount(count)} ${nameOfAmount(unit)}`
      return make(
        'td',
        { class: `heat-${level}`, title },
        make('span', { class: 'unseen' }, formatCount(count)),
      )
    })
    return make('tr', {}, make('th', { scope: 'row' }, DAYS[index]), ...cells)
  })
  return make(
    'table',
    { class: 'heat' },
    make('caption', { class: 'unseen' }, `${titleOfAmount(unit)} by weekday and hour`),
    make('thead', {}, make('tr', {}, make('td'), ...head)),
    make('tbody', {}, ...rows),
  )
}
