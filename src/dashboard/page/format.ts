import type { Key } from './ask-api.ts'
import { showInvisible } from './make.ts'
import { HOUR_MS } from '../../time/units.ts'

const COUNT = new Intl.NumberFormat('en-US')
const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

export const formatCount = (count: number): string => COUNT.format(count)
export const formatShort = (count: number): string => SHORT.format(count)
export { formatDuration } from '../../report/format-cell.ts'
export { formatDay } from '../../time/format-date.ts'

/** A ratio as `4.2%`; one that is not quite nothing as `<0.1%`. */
export function formatShare(share: number): string {
  return share > 0 && share < 0.0005 ? '<0.1%' : `${(share * 100).toFixed(1)}%`
}

/** A time in a time zone: `2026-10-05 14:00`. */
export function formatTime(iso: string, timeZone: string, unit = 'hour'): string {
  const text = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    ...(unit !== 'month' && { day: '2-digit' }),
    ...(unit === 'hour' && { hour: '2-digit', minute: '2-digit' }),
  }).format(new Date(iso))
  return text.replace(' ', ' ')
}

/** How long ago: `5 h ago`, `12 d ago`. */
export function formatAge(iso: string): string {
  const hours = (Date.now() - Date.parse(iso)) / HOUR_MS
  if (hours < 1) return 'just now'
  return hours < 48 ? `${Math.floor(hours)} h ago` : `${Math.floor(hours / 24)} d ago`
}

/** How a key is called. */
export function nameOfKey({ name, label }: Pick<Key, 'name' | 'label'>): string {
  return showInvisible(name ?? label)
}
