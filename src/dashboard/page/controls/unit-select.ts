import { titleOfAmount } from '../../../report/usage/amount.ts'
import { make } from '../make.ts'
import type { View } from '../view.ts'

/** What the page counts: requests, or one of the units of the database. Hidden where there is none. */
export class UnitSelect {
  readonly element = make('select', { class: 'unit', 'aria-label': 'What is counted', hidden: true })
  #chosen = ''
  #known: readonly string[] = []

  constructor(choose: (unit: string) => void) {
    this.element.addEventListener('change', () => choose(this.element.value))
  }

  /** Shows the unit in the address. */
  show({ unit = '' }: View): void {
    this.#chosen = unit
    this.#draw()
  }

  /** Offers the units of the database. */
  offer(units: readonly string[]): void {
    this.#known = units
    this.#draw()
  }

  #draw(): void {
    const isStranger = this.#chosen !== '' && !this.#known.includes(this.#chosen)
    const units = isStranger ? [...this.#known, this.#chosen] : this.#known
    const shown = [...this.element.options].map(({ value }) => value).join()
    if (['', ...units].join() !== shown) {
      const options = units.map((unit) => make('option', { value: unit }, titleOfAmount(unit)))
      this.element.replaceChildren(make('option', { value: '' }, titleOfAmount(undefined)), ...options)
    }
    this.element.value = this.#chosen
    this.element.hidden = units.length === 0
  }
}
