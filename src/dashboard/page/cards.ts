import type { Activity } from './ask-api.ts'
import { drawChange } from './change.ts'
import type { Change } from './change.ts'
import { isCountChanged, isDurationChanged, isRateChanged } from './change-matters.ts'
import { formatCount, formatDay, formatDuration, formatShare } from './format.ts'
import { make } from './make.ts'

interface Card {
  readonly title: string
  readonly value: string
  readonly change: Change
}

/** The totals, each with its change against the previous period. For a single key there is no number of keys. */
export function drawCards(activity: Activity, ofOneKey: boolean): HTMLElement[] {
  const { requests, errors, rejected, keys, duration } = compareActivity(activity)
  const { total, activeKeys } = activity
  const cards: Card[] = [
    { title: 'Requests', value: formatCount(total.requests), change: requests },
    ofOneKey
      ? { title: 'Mean time', value: formatDuration(total.meanDurationMs), change: duration }
      : { title: 'Active keys', value: formatCount(activeKeys), change: keys },
    { title: 'Error rate', value: formatShare(total.errorRate), change: errors },
    { title: 'Rejected', value: formatCount(total.rejected), change: rejected },
  ]
  return cards.map(({ title, value, change }) =>
    make(
      'div',
      { class: 'card' },
      make('h2', {}, title),
      make('p', { class: 'value' }, value),
      make('p', { class: 'change' }, ...describeChange(change, activity)),
    ),
  )
}

/** The changes of an activity against its previous period; without its whole history there is none. */
export function compareActivity({ total, activeKeys, previous: given }: Activity) {
  const previous = given?.historyBegins ? undefined : (given ?? undefined)
  const count = (now: number, before: number | undefined): Change => ({
    now,
    before,
    matters: before !== undefined && isCountChanged(now, before),
  })
  const basis = previous?.requests ? previous : undefined
  const { requests } = total
  const rate = (values: { readonly errorRate: number; readonly requests: number }) => ({
    rate: values.errorRate,
    requests: values.requests,
  })
  const duration = (values: { readonly meanDurationMs: number; readonly requests: number }) => ({
    meanMs: values.meanDurationMs,
    requests: values.requests,
  })
  return {
    requests: count(requests, previous?.requests),
    keys: count(activeKeys, previous?.activeKeys),
    rejected: { ...count(total.rejected, previous?.rejected), isBad: true },
    errors: {
      now: total.errorRate,
      before: requests ? basis?.errorRate : undefined,
      matters: basis !== undefined && isRateChanged(rate(total), rate(basis)),
      isRate: true,
      isBad: true,
    },
    duration: {
      now: total.meanDurationMs,
      before: requests ? basis?.meanDurationMs : undefined,
      matters: basis !== undefined && isDurationChanged(duration(total), duration(basis)),
      isBad: true,
    },
  } satisfies Record<string, Change>
}

function describeChange(change: Change, { previous, period }: Activity): (Node | string)[] {
  if (previous?.historyBegins) {
    return [`history begins on ${formatDay(new Date(previous.historyBegins), period.timeZone)}`]
  }
  const drawn = drawChange(change)
  if (!drawn) return ['nothing to compare']
  if (drawn.textContent === 'unchanged') return [drawn]
  return [drawn, make('span', { class: 'basis', title: previous?.text }, ' vs period before')]
}
