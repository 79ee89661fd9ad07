import { drawIcon } from '../icons.ts'
import { make } from '../make.ts'

/** A value now and before. */
export interface Change {
  readonly now: number
  /** Undefined: there is nothing to compare with. */
  readonly before: number | undefined
  /** More than a trifle and more than chance: only such a change has an arrow and a colour. */
  readonly matters: boolean
  /** A share, compared in percentage points. */
  readonly isRate?: boolean
  /** A higher value is worse. */
  readonly isBad?: boolean
}

/** A change in words: `up 12.3%` with an arrow, `+0.4%`, `unchanged`; undefined when there is nothing to compare. */
export function drawChange({ now, before, matters, isRate, isBad }: Change): HTMLElement | undefined {
  if (before === undefined || (before === 0 && now === 0 && !isRate)) return undefined
  const difference = isRate ? (now - before) * 100 : before ? ((now - before) / before) * 100 : Infinity
  const rounded = Math.abs(difference).toFixed(1)
  if (rounded === '0.0') return make('span', {}, 'unchanged')
  const size = difference === Infinity ? 'new' : `${rounded}${isRate ? ' points' : '%'}`
  const isUp = difference > 0
  if (!matters) return make('span', {}, difference === Infinity ? size : `${isUp ? '+' : '−'}${size}`)
  const mood = isBad ? (isUp ? 'worse' : 'better') : 'matters'
  const way = isUp ? 'up' : 'down'
  return make('span', { class: mood }, drawIcon(way), make('span', { class: 'unseen' }, `${way} `), size)
}
