import { make } from '../make.ts'
import { TimeZoneSelect } from './time-zone-select.ts'
import { addressOf, FIRST_PAGES } from '../view.ts'
import type { View } from '../view.ts'

const PERIODS = [
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
  ['90d', 'Last 90 days'],
  ['52w', 'Last 52 weeks'],
] as const
const STATUSES = ['', '2xx', '3xx', '4xx', '5xx']
const DEFAULT_PERIOD = '30d'
const CUSTOM = 'custom'
const MONTHS = 12

/** Period, time zone and statuses; each choice is stored in the address. */
export class Controls {
  readonly element: HTMLElement
  readonly #period = make('select', { 'aria-label': 'Period' })
  readonly #since = make('input', { type: 'date', 'aria-label': 'From' })
  readonly #until = make('input', { type: 'date', 'aria-label': 'Until, not included' })
  readonly #dates = make('span', { class: 'dates', hidden: true }, this.#since, ' – ', this.#until)
  readonly #zone = new TimeZoneSelect()
  readonly #status = make('select', { 'aria-label': 'Statuses' })
  #view: View = {}

  constructor(go: (address: string) => void) {
    const change = (changes: View) => go(addressOf(this.#view, { ...FIRST_PAGES, ...changes }))
    this.element = make(
      'div',
      { class: 'controls' },
      this.#status,
      this.#dates,
      this.#period,
      this.#zone.element,
    )
    this.#status.append(...STATUSES.map((value) => make('option', { value }, value || 'All statuses')))
    this.#period.append(...PERIODS.map(([value, text]) => make('option', { value }, text)))
    this.#period.append(...lastMonths().map((value) => make('option', { value }, value)))
    this.#period.append(make('option', { value: CUSTOM }, 'Dates …'))
    this.#period.addEventListener('change', () => {
      const { value } = this.#period
      this.#dates.hidden = value !== CUSTOM
      if (value === CUSTOM) return this.#since.focus()
      const month = /^\d{4}-/.test(value)
      return change({ since: month ? '' : value, until: '', month: month ? value : '' })
    })
    for (const input of [this.#since, this.#until]) {
      input.addEventListener('change', () => {
        if (this.#since.value) change({ since: this.#since.value, until: this.#until.value, month: '' })
      })
    }
    this.#zone.element.addEventListener('change', () => change({ tz: this.#zone.value }))
    this.#status.addEventListener('change', () => change({ status: this.#status.value }))
  }

  /** Shows the state in the address. */
  show(view: View): void {
    this.#view = view
    const { since = '', until = '', month, tz = 'UTC', status = '' } = view
    const period = month ?? (since || DEFAULT_PERIOD)
    const known = [...this.#period.options].some(({ value }) => value === period) && !until
    this.#period.value = known ? period : CUSTOM
    this.#dates.hidden = known
    this.#since.value = known ? '' : since
    this.#until.value = until
    this.#zone.show(tz)
    choose(this.#status, status)
  }
}

/** Selects a value. Adds it to the list first when it is only in the address. */
function choose(select: HTMLSelectElement, value: string): void {
  if (![...select.options].some((option) => option.value === value))
    select.append(make('option', { value }, value))
  select.value = value
}

function lastMonths(): string[] {
  const now = new Date()
  return Array.from({ length: MONTHS }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7),
  )
}
