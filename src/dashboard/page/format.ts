import type { Key, Measures, SentAmount } from './ask-api.ts'
import type { Amount } from '../../report/usage/amount.ts'
import { formatCount } from '../../terminal/format-number.ts'
import { showInvisible } from './make.ts'
import { HOUR_MS } from '../../time/units.ts'

const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

export const formatShort = (count: Amount): string => SHORT.format(count)
export { countOf, formatCount, formatDuration, formatShare } from '../../terminal/format-number.ts'
export { formatDay, formatMoment } from '../../time/format-date.ts'

/** An amount as the API sends it: a quantity is a text. */
export function toAmount(sent: SentAmount): Amount {
  return typeof sent === 'string' ? BigInt(sent) : sent
}

/** The amount of a total or a group. */
export function amountIn({ requests, quantity }: Pick<Measures, 'requests' | 'quantity'>): Amount {
  return toAmount(quantity ?? requests)
}

/** How much each request used, as a mean: `1,532`, `4.2`. */
export function formatMean(quantity: Amount, requests: number): string {
  if (!requests) return '–'
  const mean = Number(quantity) / requests
  return mean < 100 ? String(Number(mean.toFixed(1))) : formatCount(Math.round(mean))
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

/** The month of a time: `October`. */
export function formatMonth(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, month: 'long' }).format(new Date(iso))
}

/** The age of a time: `5 h ago`, `12 d ago`. */
export function formatAge(iso: string): string {
  const hours = (Date.now() - Date.parse(iso)) / HOUR_MS
  if (hours < 1) return 'just now'
  return hours < 48 ? `${Math.floor(hours)} h ago` : `${Math.floor(hours / 24)} d ago`
}

/** The display name of a key. */
export function displayNameOf({ name, label }: Pick<Key, 'name' | 'label'>): string {
  return showInvisible(name ?? label)
}
