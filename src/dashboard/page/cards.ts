import type { Activity } from './ask-api.ts'
import { formatCount, formatDay, formatDuration, formatShare } from './format.ts'
import { make } from './make.ts'

interface Card {
  readonly title: string
  readonly value: string
  /** The value now and in the previous period; `ratio` is compared in percentage points. */
  readonly now: number
  readonly before: number | undefined
  readonly ratio?: boolean
  /** A higher value is worse. */
  readonly bad?: boolean
}

/** The totals, each with its change against the previous period. For a single key there is no number of keys. */
export function drawCards(activity: Activity, ofOneKey: boolean): HTMLElement[] {
  const { total, activeKeys } = activity
  const previous = activity.previous?.historyBegins ? undefined : activity.previous
  const keys = {
    title: 'Active keys',
    value: formatCount(activeKeys),
    now: activeKeys,
    before: previous?.activeKeys,
  }
  const meanTime = {
    title: 'Mean time',
    value: formatDuration(total.meanDurationMs),
    now: total.meanDurationMs,
    before: previous?.requests ? previous.meanDurationMs : undefined,
    bad: true,
  }
  const cards: Card[] = [
    {
      title: 'Requests',
      value: formatCount(total.requests),
      now: total.requests,
      before: previous?.requests,
    },
    ofOneKey ? meanTime : keys,
    {
      title: 'Error rate',
      value: formatShare(total.errorRate),
      now: total.errorRate,
      before: previous?.requests ? previous.errorRate : undefined,
      ratio: true,
      bad: true,
    },
    {
      title: 'Rejected',
      value: formatCount(total.rejected),
      now: total.rejected,
      before: previous?.rejected,
      bad: true,
    },
  ]
  return cards.map((card) =>
    make(
      'div',
      { class: 'card' },
      make('h2', {}, card.title),
      make('p', { class: 'value' }, card.value),
      drawChange(card, activity),
    ),
  )
}

function drawChange({ now, before, ratio, bad }: Card, { previous, period }: Activity): HTMLElement {
  if (previous?.historyBegins) {
    const begin = formatDay(new Date(previous.historyBegins), period.timeZone)
    return make('p', { class: 'change' }, `history begins on ${begin}`)
  }
  if (before === undefined || (before === 0 && now === 0 && !ratio)) {
    return make('p', { class: 'change' }, 'nothing to compare')
  }
  const difference = ratio ? (now - before) * 100 : before ? ((now - before) / before) * 100 : Infinity
  const rounded = Math.abs(difference).toFixed(1)
  const same = rounded === '0.0'
  const size = difference === Infinity ? 'new' : `${rounded}${ratio ? ' points' : '%'}`
  const way = same ? 'same' : difference > 0 ? 'up' : 'down'
  const mood = bad && !same ? (difference > 0 ? ' worse' : ' better') : ''
  const sign = { same: '', up: '▲ ', down: '▼ ' }[way]
  return make(
    'p',
    { class: `change${mood}` },
    same ? 'unchanged' : `${sign}${size}`,
    make('span', { title: previous?.text }, ' vs period before'),
  )
}
