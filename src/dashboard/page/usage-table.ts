import { urlOf } from './ask-api.ts'
import type { Group, Parameters, Report } from './ask-api.ts'
import { formatCount } from './format.ts'
import { make } from './make.ts'
import { columnsOf } from './usage-columns.ts'
import { addressOf } from './view.ts'
import type { View } from './view.ts'

const ROWS = 10
const TYPING_MS = 250

/** Which list it is. */
export interface TableKind {
  /** The prefix of its state in the address. */
  readonly name: 'k' | 'e'
  readonly title: string
  readonly by: string
}

/**
 * A list of keys or endpoints in pages. The server sorts, searches and cuts it, so ten thousand entries are as fast as
 * ten.
 */
export class UsageTable {
  readonly element: HTMLElement
  readonly #kind: TableKind
  readonly #go: (address: string) => void
  readonly #search: HTMLInputElement
  readonly #head = make('thead')
  readonly #body = make('tbody')
  readonly #pager = make('div', { class: 'pager' })
  readonly #csv = make('a', { class: 'button', download: '' }, 'CSV')
  #view: View = {}
  #typing: number | undefined

  constructor(kind: TableKind, go: (address: string) => void) {
    this.#kind = kind
    this.#go = go
    const label = `Search ${kind.title.toLowerCase()}`
    this.#search = make('input', {
      type: 'search',
      placeholder: 'Search',
      'aria-label': label,
      maxlength: 200,
    })
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#typing)
      this.#typing = window.setTimeout(
        () => this.#change({ search: this.#search.value, page: '' }),
        TYPING_MS,
      )
    })
    this.#csv.setAttribute('aria-label', `Download ${kind.title.toLowerCase()} as CSV`)
    this.element = make(
      'section',
      { class: 'panel list' },
      make('header', {}, make('h2', {}, kind.title), this.#search, this.#csv),
      make(
        'div',
        { class: 'scroll' },
        make(
          'table',
          { class: 'usage' },
          make('caption', { class: 'unseen' }, kind.title),
          this.#head,
          this.#body,
        ),
      ),
      this.#pager,
    )
  }

  /** The parameters for the API. */
  parametersOf(filter: Parameters, view: View): Parameters {
    const page = Number(this.#state(view, 'page') || 1)
    return {
      ...this.#listOf(filter, view),
      limit: String(ROWS),
      ...(page > 1 && { offset: String((page - 1) * ROWS) }),
    }
  }

  draw(report: Report, filter: Parameters, view: View): void {
    this.#view = view
    const [{ groups, groupCount }] = report.sections
    if (document.activeElement !== this.#search) this.#search.value = this.#state(view, 'search')
    this.#csv.href = urlOf('report', { ...this.#listOf(filter, view), format: 'csv' })
    keepFocus(this.element, () => {
      this.#drawHead()
      this.#body.replaceChildren(...this.#rowsOf(groups))
      this.#drawPager(groupCount)
    })
  }

  #listOf(filter: Parameters, view: View): Parameters {
    const state = (name: string) => this.#state(view, name) || undefined
    return {
      ...filter,
      by: this.#kind.by,
      sort: state('sort'),
      order: state('order'),
      search: state('search'),
      latency: view['latency'],
    }
  }

  #state(view: View, name: string): string {
    return view[`${this.#kind.name}.${name}`] ?? ''
  }

  #change(changes: View): void {
    const named = Object.entries(changes).map(([name, value]) => [`${this.#kind.name}.${name}`, value])
    this.#go(addressOf(this.#view, Object.fromEntries(named)))
  }

  #drawHead(): void {
    const sorted = this.#state(this.#view, 'sort') || 'requests'
    const cells = columnsOf(this.#kind.name, this.#view).map(({ title, sort, css }) => {
      if (!sort) return make('th', { scope: 'col', class: css }, title)
      const current = sort === sorted
      const natural = sort === 'group' ? 'asc' : 'desc'
      const now = current ? this.#state(this.#view, 'order') || natural : undefined
      const arrow = make('span', { 'aria-hidden': 'true' }, now ? (now === 'asc' ? ' ↑' : ' ↓') : '')
      const button = make('button', { type: 'button', 'data-focus': sort }, title, arrow)
      const next = now === natural ? (natural === 'asc' ? 'desc' : 'asc') : ''
      button.addEventListener('click', () => this.#change({ sort, order: next, page: '' }))
      const order = now && (now === 'asc' ? 'ascending' : 'descending')
      return make('th', { scope: 'col', class: css, 'aria-sort': order }, button)
    })
    this.#head.replaceChildren(make('tr', {}, ...cells))
  }

  #rowsOf(groups: readonly Group[]): HTMLElement[] {
    const columns = columnsOf(this.#kind.name, this.#view)
    if (groups.length === 0) {
      const text = this.#state(this.#view, 'search')
        ? 'Nothing fits this search.'
        : 'No requests in this period.'
      return [make('tr', {}, make('td', { colspan: columns.length, class: 'none' }, text))]
    }
    return groups.map((group) => {
      const cells = columns.map(({ css, draw }, index) =>
        make(index === 0 ? 'th' : 'td', { class: css, scope: index === 0 ? 'row' : undefined }, draw(group)),
      )
      return make('tr', {}, ...cells)
    })
  }

  #drawPager(count: number): void {
    const page = Number(this.#state(this.#view, 'page') || 1)
    const pages = Math.max(1, Math.ceil(count / ROWS))
    const turn = (to: number, text: string, label: string) => {
      const button = make(
        'button',
        { type: 'button', 'aria-label': label, 'data-focus': label, disabled: to < 1 || to > pages },
        text,
      )
      button.addEventListener('click', () => this.#change({ page: to === 1 ? '' : String(to) }))
      return button
    }
    const first = count === 0 ? 0 : (page - 1) * ROWS + 1
    const shown = `${formatCount(first)}–${formatCount(Math.min(count, page * ROWS))} of ${formatCount(count)}`
    this.#pager.replaceChildren(
      make('span', {}, shown),
      turn(page - 1, '‹', 'Previous page'),
      turn(page + 1, '›', 'Next page'),
    )
  }
}

/** Draws again and keeps the keyboard focus where it is. */
function keepFocus(element: HTMLElement, draw: () => void): void {
  const focused = document.activeElement
  const name = element.contains(focused) ? focused?.getAttribute('data-focus') : undefined
  draw()
  if (!name) return
  const again = [...element.querySelectorAll<HTMLElement>('[data-focus]')]
  again.find((candidate) => candidate.getAttribute('data-focus') === name)?.focus()
}
