import { askApi, urlOf } from '../ask-api.ts'
import { titleOfAmount } from '../../../report/usage/amount.ts'
import type { Activity, Measures } from '../ask-api.ts'
import { compareActivity } from './cards.ts'
import { drawChange } from './change.ts'
import { drawCumulative } from '../charts/cumulative.ts'
import {
  amountIn,
  formatCount,
  formatDay,
  formatMoment,
  formatMonth,
  formatShare,
  formatTime,
} from '../format.ts'
import { make } from '../make.ts'
import { addressOf, filterOf } from '../view.ts'
import type { View } from '../view.ts'

/** The month to date of one customer beside the month before: what an account manager asks first. */
export class MonthPanel {
  readonly element: HTMLElement
  readonly #title = make('h2', {}, 'Month to date')
  readonly #open = make('a', { class: 'button' }, 'Show month')
  readonly #csv = make('a', { class: 'button', download: '' }, 'CSV')
  readonly #body = make('div', { class: 'month' })

  constructor() {
    this.element = make(
      'section',
      { class: 'panel month-panel half beside', hidden: true },
      make('header', {}, this.#title, this.#open, this.#csv),
      this.#body,
    )
  }

  /** Shows or hides the panel: it belongs to the page of a customer. */
  show(view: View): void {
    const { owner, key, endpoint } = view
    this.element.hidden = owner === undefined || key !== undefined || endpoint !== undefined
  }

  /** Asks for the present month and the whole of the month before, and draws them. */
  async load(view: View, signal: AbortSignal, now = new Date()): Promise<void> {
    const timeZone = view['tz'] ?? 'UTC'
    const month = formatTime(now.toISOString(), timeZone, 'month')
    const filter = { ...filterOf(view), since: undefined, until: undefined }
    const [activity, before] = await Promise.all([
      askApi<Activity>('activity', { ...filter, month }, signal),
      askApi<Activity>('activity', { ...filter, month: monthBefore(month) }, signal),
    ])
    const name = formatMonth(activity.period.since ?? now.toISOString(), timeZone)
    this.#title.textContent = `${name} to date`
    this.#open.href = addressOf(view, { month, since: '', until: '' })
    this.#open.textContent = `Show ${name}`
    this.#csv.href = urlOf('report', { ...filter, month, by: 'day', format: 'csv' })
    this.#csv.setAttribute('aria-label', `Download ${name} by day as CSV`)
    this.#body.replaceChildren(
      make('p', { class: 'value' }, formatCount(amountIn(activity.total))),
      make('p', { class: 'change' }, ...describeBasis(activity)),
      drawFigures(activity, before),
      drawCumulative(activity, before, name),
    )
  }
}

/** `2026-01` to `2025-12`. */
function monthBefore(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return new Date(Date.UTC(year, number - 2, 1)).toISOString().slice(0, 7)
}

/** The change of what is counted, and the period that they are compared with. */
function describeBasis(activity: Activity): (Node | string)[] {
  const { previous, period } = activity
  if (previous?.historyBegins) {
    return [
      `Nothing to compare: history begins on ${formatDay(new Date(previous.historyBegins), period.timeZone)}`,
    ]
  }
  const drawn = drawChange(compareActivity(activity).amount)
  if (!drawn || !previous) return ['nothing to compare']
  const [from, until] = [previous.since, previous.until].map((instant) =>
    formatMoment(new Date(instant), period.timeZone, new Date(period.figuresTo)),
  )
  return [drawn, make('span', { class: 'basis' }, ` against ${from} to ${until}`)]
}

type Figures = ReturnType<typeof figuresOf>

/** The rows of the table: a title, the name of the change, and the figure as text. */
const FIGURES = [
  ['Requests', 'requests', ({ requests }: Figures) => formatCount(requests)],
  ['Active keys', 'keys', ({ activeKeys }: Figures) => formatCount(activeKeys)],
  ['Error rate', 'errors', ({ errorRate }: Figures) => formatShare(errorRate)],
  ['Rejected', 'rejected', ({ rejected }: Figures) => formatCount(rejected)],
] as const

/** Of a unit its quantity too, first. */
const rowsOf = (unit: string | undefined) => [
  ...(unit === undefined
    ? []
    : [[titleOfAmount(unit), 'amount', ({ amount }: Figures) => formatCount(amount)] as const]),
  ...FIGURES,
]

/** This month, the same part of the month before, and all of that month. */
function drawFigures(activity: Activity, before: Activity): HTMLElement {
  const changes = compareActivity(activity)
  const { previous } = activity
  const same = previous && !previous.historyBegins ? figuresOf(previous, previous.activeKeys) : undefined
  const now = figuresOf(activity.total, activity.activeKeys)
  const all = figuresOf(before.total, before.activeKeys)
  const name = formatMonth(before.period.since ?? '', activity.period.timeZone)
  const head = ['', 'This month', 'Same part', 'Change', `All ${name}`]
  return make(
    'table',
    { class: 'figures' },
    make('caption', { class: 'unseen' }, 'The month to date against the month before'),
    make(
      'thead',
      {},
      make('tr', {}, ...head.map((title) => make(title ? 'th' : 'td', title ? { scope: 'col' } : {}, title))),
    ),
    make(
      'tbody',
      {},
      ...rowsOf(activity.unit).map(([title, change, textOf]) =>
        make(
          'tr',
          {},
          make('th', { scope: 'row' }, title),
          make('td', {}, textOf(now)),
          make('td', {}, same ? textOf(same) : '–'),
          make('td', { class: 'change' }, drawChange(changes[change]) ?? '–'),
          make('td', {}, textOf(all)),
        ),
      ),
    ),
  )
}

function figuresOf(measures: Measures, activeKeys: number) {
  return { ...measures, activeKeys, amount: amountIn(measures) }
}
