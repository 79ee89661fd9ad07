import type { Activity } from '../ask-api.ts'
import { addAmounts, shareOf, sumAmounts, titleOfAmount, zeroOf } from '../../../report/usage/amount.ts'
import type { Amount } from '../../../report/usage/amount.ts'
import { formatCount, formatMonth, formatShort, toAmount } from '../format.ts'
import { make, makeSvg } from '../make.ts'
import { DAY_MS } from '../../../time/units.ts'

const WIDTH = 560
const HEIGHT = 120
/** Days of the longest month. */
const DAYS = 31
/** The days that are named below the picture. */
const MARKS = [1, 8, 15, 22, 29]

/** Requests, or a unit, from the beginning of the month on: this month as a line up to now, the month before behind it. */
export function drawCumulative(activity: Activity, before: Activity, name: string): HTMLElement {
  const now = addUp(activity)
  const then = addUp(before)
  const [end, endBefore] = [now.at(-1) ?? { day: 0, sum: 0 }, then.at(-1)?.sum ?? 0]
  const most = [end.sum, endBefore].reduce<Amount>((a, b) => (a > b ? a : b), 1)
  const toCoordinates = ({ day, sum }: Point) =>
    `${((day / DAYS) * WIDTH).toFixed(1)},${(HEIGHT - shareOf(sum, most) * (HEIGHT - 4) - 1).toFixed(1)}`
  const line = (points: readonly Point[]) => [{ day: 0, sum: 0 }, ...points].map(toCoordinates).join(' ')
  const last = formatMonth(before.period.since ?? '', activity.period.timeZone)
  const about = `${titleOfAmount(activity.unit)} added up from the first of the month: ${name} ${formatCount(end.sum)} to date, ${last} ${formatCount(endBefore)} in all.`
  const picture = makeSvg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': about },
    makeSvg('polyline', { class: 'then', points: line(then) }),
    makeSvg('polygon', {
      class: 'area',
      points: `${line(now)} ${((end.day / DAYS) * WIDTH).toFixed(1)},${HEIGHT} 0,${HEIGHT}`,
    }),
    makeSvg('polyline', { class: 'now', points: line(now) }),
  )
  const key = (css: string, text: string) => make('span', {}, make('i', { class: `stroke ${css}` }), text)
  return make(
    'figure',
    { class: 'cumulative' },
    make(
      'figcaption',
      {},
      key('now', name),
      key('then', last),
      make('span', { class: 'most' }, formatShort(most)),
    ),
    picture,
    make('div', { class: 'days', 'aria-hidden': 'true' }, ...MARKS.map(drawMark)),
  )
}

function drawMark(day: number): HTMLElement {
  const mark = make('span', {}, String(day))
  mark.style.setProperty('--day', String((day - 1) / DAYS))
  return mark
}

interface Point {
  /** Days since the beginning of the month. */
  readonly day: number
  readonly sum: Amount
}

/** Sums at the end of each day; the day that is not over ends now. */
function addUp({ series, period, unit }: Activity): Point[] {
  const start = Date.parse(period.since ?? '')
  const end = Date.parse(period.figuresTo)
  let sum = zeroOf(unit)
  return series.steps
    .filter((step) => Date.parse(step.start) < end)
    .map(({ statuses, start: begin }, index) => {
      sum = addAmounts(sum, sumAmounts(statuses.map(toAmount), unit))
      const isOpen = end - Date.parse(begin) < DAY_MS
      return { day: isOpen ? (end - start) / DAY_MS : index + 1, sum }
    })
}
