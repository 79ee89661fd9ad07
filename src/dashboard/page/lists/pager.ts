import { formatCount } from '../format.ts'
import { make } from '../make.ts'

/** The possible numbers of rows on a page; the first is the default. */
export const PAGE_SIZES = [10, 25, 50, 100] as const

/** Where a list is. */
export interface PagePosition {
  /** From 1. */
  readonly page: number
  readonly rows: number
  /** All entries of the list. */
  readonly count: number
}

/** Turns the pages of a list: back, forward, to a page by its number; and the number of rows on each. */
export class Pager {
  readonly element: HTMLElement
  readonly #range = make('span', { class: 'range' })
  readonly #rows = make('select', {}, ...PAGE_SIZES.map((size) => make('option', { value: size }, `${size}`)))
  readonly #sizes = make('label', { class: 'rows' }, this.#rows, make('span', { class: 'word' }, ' rows'))
  readonly #page = make('input', { type: 'number', min: 1, inputmode: 'numeric' })
  readonly #pages = make('span')
  readonly #jump = make('label', { class: 'jump' }, this.#page, ' ', this.#pages)
  readonly #back: HTMLButtonElement
  readonly #forward: HTMLButtonElement
  readonly #turn: (page: string) => void
  #position: PagePosition = { page: 1, rows: PAGE_SIZES[0], count: 0 }

  /**
   * @param of what the list is of, for screen readers: `keys`
   * @param turn called with a page; an empty text is the first
   * @param resize called with a number of rows; an empty text is the default
   */
  constructor(of: string, turn: (page: string) => void, resize: (rows: string) => void) {
    this.#turn = turn
    this.#rows.setAttribute('aria-label', `Rows of ${of} on a page`)
    this.#page.setAttribute('aria-label', `Page of ${of}`)
    this.#back = make('button', { type: 'button', 'aria-label': `Previous page of ${of}` }, '‹')
    this.#forward = make('button', { type: 'button', 'aria-label': `Next page of ${of}` }, '›')
    this.#back.addEventListener('click', () => this.#turnTo(this.#position.page - 1))
    this.#forward.addEventListener('click', () => this.#turnTo(this.#position.page + 1))
    this.#page.addEventListener('change', () => this.#turnTo(Math.round(this.#page.valueAsNumber)))
    this.#rows.addEventListener('change', () => {
      const rows = Number(this.#rows.value)
      resize(rows === PAGE_SIZES[0] ? '' : String(rows))
    })
    this.element = make(
      'div',
      { class: 'pager' },
      this.#range,
      this.#sizes,
      this.#back,
      this.#jump,
      this.#forward,
    )
  }

  /** Shows a position. What is being typed stays. */
  show(position: PagePosition): void {
    this.#position = position
    const { page, rows, count } = position
    const pages = pagesOf(position)
    const first = Math.min(count, (page - 1) * rows + 1)
    this.#range.textContent = `${formatCount(first)}–${formatCount(Math.min(count, page * rows))} of ${formatCount(count)}`
    this.#rows.value = String(rows)
    this.#sizes.hidden = count <= PAGE_SIZES[0]
    this.#jump.hidden = pages < 3
    for (const button of [this.#back, this.#forward]) button.hidden = pages === 1 && page === 1
    if (document.activeElement !== this.#page) this.#page.value = String(page)
    this.#page.max = String(pages)
    this.#pages.textContent = `of ${formatCount(pages)}`
    // A disabled button loses the focus.
    const focused = document.activeElement
    this.#back.disabled = page <= 1
    this.#forward.disabled = page >= pages
    if (focused === this.#back && this.#back.disabled) this.#forward.focus()
    if (focused === this.#forward && this.#forward.disabled) this.#back.focus()
  }

  #turnTo(wanted: number): void {
    const pages = pagesOf(this.#position)
    const page = Math.min(pages, Math.max(1, wanted || 1))
    this.#page.value = String(page)
    this.#turn(page === 1 ? '' : String(page))
  }
}

function pagesOf({ count, rows }: PagePosition): number {
  return Math.max(1, Math.ceil(count / rows))
}
