import { titleOfAmount } from '../../../report/usage/amount.ts'
import type { Activity, Measures } from '../ask-api.ts'
import { drawChange } from './change.ts'
import type { Change } from './change.ts'
import {
  isCountChanged,
  isDurationChanged,
  isMeanQuantityChanged,
  isQuantityChanged,
  isRateChanged,
} from './change-matters.ts'
import { amountIn, formatCount, formatDay, formatDuration, formatMean, formatShare } from '../format.ts'
import { make } from '../make.ts'

interface Card {
  readonly title: string
  readonly value: string
  readonly change: Change
}

/**
 * The totals, each with its change against the previous period. For a single key there is no number of keys. Of a unit,
 * the requests are those that used it.
 */
export function drawCards(activity: Activity, ofOneKey: boolean): HTMLElement[] {
  const { amount, requests, errors, rejected, keys, duration, mean } = compareActivity(activity)
  const { total, activeKeys, unit } = activity
  const quantity = amountIn(total)
  const ofKeys = { title: 'Active keys', value: formatCount(activeKeys), change: keys }
  const ofErrors = { title: 'Error rate', value: formatShare(total.errorRate), change: errors }
  const cards: Card[] =
    unit === undefined
      ? [
          { title: 'Requests', value: formatCount(total.requests), change: requests },
          ofOneKey
            ? { title: 'Mean time', value: formatDuration(total.meanDurationMs ?? 0), change: duration }
            : ofKeys,
          ofErrors,
          { title: 'Rejected', value: formatCount(total.rejected), change: rejected },
        ]
      : [
          { title: titleOfAmount(unit), value: formatCount(quantity), change: amount },
          ofOneKey
            ? { title: 'Per request', value: formatMean(quantity, total.requests), change: mean }
            : ofKeys,
          { title: 'Requests', value: formatCount(total.requests), change: requests },
          ofErrors,
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
export function compareActivity({ total, activeKeys, previous: given, unit }: Activity) {
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
  const duration = ({ meanDurationMs, requests }: Pick<Measures, 'meanDurationMs' | 'requests'>) => ({
    meanMs: meanDurationMs ?? 0,
    requests,
  })
  const used = (values: Measures) => ({ quantity: Number(amountIn(values)), requests: values.requests })
  const [now, before] = [used(total), previous && used(previous)]
  const ofRequests = count(requests, previous?.requests)
  return {
    requests: ofRequests,
    amount:
      unit === undefined
        ? ofRequests
        : {
            now: now.quantity,
            before: before?.quantity,
            matters: before !== undefined && isQuantityChanged(now, before),
          },
    mean: {
      now: requests ? now.quantity / requests : 0,
      before: requests && before?.requests ? before.quantity / before.requests : undefined,
      matters: before !== undefined && isMeanQuantityChanged(now, before),
    },
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
      now: total.meanDurationMs ?? 0,
      before: requests ? (basis?.meanDurationMs ?? undefined) : undefined,
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
