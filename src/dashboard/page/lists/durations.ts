import type { Measures } from '../ask-api.ts'
import { formatDuration } from '../format.ts'
import { make } from '../make.ts'

/** The durations that are shown. */
export const DURATIONS = [
  { title: 'Mean', name: 'meanDurationMs', about: 'over all requests' },
  { title: 'p50', name: 'p50Ms', about: 'half took at most this' },
  { title: 'p95', name: 'p95Ms', about: '95% took at most this' },
  { title: 'p99', name: 'p99Ms', about: '99% took at most this' },
] as const

/** The durations of a period; placeholders until the total has arrived. */
export function drawDurations(total: Measures | undefined): HTMLElement[] {
  return DURATIONS.map(({ title, name, about }) =>
    make(
      'div',
      { class: 'card' },
      make('h2', {}, title),
      make('p', { class: 'value' }, total ? drawDuration(total[name]) : '…'),
      make('p', { class: 'change' }, total && !total[name] ? 'not measured' : about),
    ),
  )
}

/** One duration in milliseconds. Without a measured request the mean is 0 and there are no quantiles. */
export function drawDuration(duration: number | null | undefined): Node | string {
  if (duration) return formatDuration(duration)
  return make('span', { class: 'soft', title: 'not measured' }, '–')
}
