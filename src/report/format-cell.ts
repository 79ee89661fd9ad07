import { formatInstant } from '../time/calendar.ts'
import type { Cell, Column } from './report-table.ts'
import { sparkline } from '../terminal/sparkline.ts'

const TREND_WIDTH = 12

/** A cell as a person reads it; empty for null. Text is not yet escaped for where it goes. */
export function formatCell(cell: Cell, kind: Column['kind'], timeZone: string): string {
  if (cell === null) return ''
  if (cell instanceof Date) return formatInstant(cell, timeZone)
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no'
  if (typeof cell === 'object') return sparkline(cell, TREND_WIDTH)
  if (typeof cell === 'string') return cell
  if (kind === 'share') return formatShare(cell)
  if (kind === 'change') return formatChange(cell)
  if (kind === 'duration') return formatDuration(cell)
  return formatCount(cell)
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** `12.3%`; what is neither nothing nor all never looks like it. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return '<0.1%'
  if (share < 1 && share > 0.999) return '>99.9%'
  return `${(share * 100).toFixed(1)}%`
}

/** `+12.3%` */
export function formatChange(change: number): string {
  return `${change > 0 ? '+' : ''}${(change * 100).toLocaleString('en-US', { maximumFractionDigits: 1, minimumFractionDigits: 1 })}%`
}

/** `0.4 ms`, `12 ms`, `3.4 s`, with two digits at least: more would promise what a histogram does not know. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds > 0 && milliseconds <= 0.1) return '≤0.1 ms'
  const [value, unit] = milliseconds < 999.5 ? [milliseconds, 'ms'] : [milliseconds / 1000, 's']
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${unit}`
}
