import { nameOfAmount } from '../../../report/usage/amount.ts'
import { askApi, urlOf } from '../ask-api.ts'
import type { Customers, Group, Measures, ApiParameters, Report } from '../ask-api.ts'
import { drawIcon } from '../icons.ts'
import { make } from '../make.ts'
import { pageParametersOf, positionIn } from './page-position.ts'
import { Pager } from './pager.ts'
import { columnsOf } from './usage-columns.ts'
import type { Column } from './usage-columns.ts'
import { addressOf, addressOfRows, filterOf } from '../view.ts'
import type { UsageListName, View } from '../view.ts'

const TYPING_MS = 250

/** Which list it is. */
export interface TableKind {
  /** The prefix of its state in the address. */
  readonly name: UsageListName
  readonly title: string
  /** The dimension in `api/report`; customers have an API of their own. */
  readonly by?: string
  /** What it asks for besides what the view says. */
  readonly parameters?: ApiParameters
  /** It is hidden with fewer entries. */
  readonly leastCount?: number
  /** How wide it is on a wide screen: as the page, half as wide, or half as wide beside the list after it. */
  readonly width: 'full' | 'half' | 'half beside'
  /** Whether a view has this list. */
  readonly isIn: (view: View) => boolean
}

/** One page of a list, and what else its answer says. */
interface Listing {
  readonly groups: readonly Group[]
  readonly count: number
  readonly total: Measures
  readonly notes: readonly string[]
  /** Whether the database has all of the period before. */
  readonly isCompared: boolean
}

/**
 * A list of customers, keys or endpoints in pages. The server sorts, searches and cuts it, so ten thousand entries are as fast as
 * ten.
 */
export class UsageTable {
  readonly element: HTMLElement
  readonly #kind: TableKind
  readonly #go: (address: string) => void
  readonly #search: HTMLInputElement
  readonly #head = make('thead')
  readonly #body = make('tbody')
  readonly #pager: Pager
  readonly #csv = make('a', { class: 'button', download: '' }, 'CSV')
  #view: View = {}
  /** No key has an owner, or a key has no line, as far as known. */
  #isUnneeded: boolean
  #typing: number | undefined

  constructor(kind: TableKind, go: (address: string) => void) {
    this.#kind = kind
    this.#go = go
    this.#isUnneeded = kind.name === 'c' || kind.leastCount !== undefined
    this.#pager = new Pager(
      kind.title.toLowerCase(),
      (page) => this.#change({ page }),
      (rows) => go(addressOfRows(this.#view, rows)),
    )
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
      { class: `panel list ${kind.width}`, hidden: true },
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
      this.#pager.element,
    )
  }

  /** Whether a view has this list. */
  isIn(view: View): boolean {
    return this.#kind.isIn(view)
  }

  /** Shows or hides the list as a view says. The list of customers stays hidden until a group has an owner. */
  show(view: View): void {
    this.element.hidden = !this.isIn(view) || this.#isUnneeded
  }

  /** Asks for the page that a view names, and draws it. */
  async load(view: View, signal: AbortSignal): Promise<Listing> {
    const found = await this.#ask(view, signal)
    const { groups, count } = found
    this.#view = view
    const isSearched = this.#state(view, 'search') !== ''
    const { name, leastCount = name === 'c' ? 2 : 0 } = this.#kind
    this.#isUnneeded = !isSearched && count < leastCount && groups.every(({ owner = null }) => owner === null)
    this.show(view)
    if (document.activeElement !== this.#search) this.#search.value = this.#state(view, 'search')
    this.#csv.href = urlOf(this.#api, { ...this.#listOf(view), format: 'csv' })
    keepFocus(this.element, () => {
      const columns = columnsOf(this.#kind.name, view, found)
      this.#drawHead(columns)
      this.#body.replaceChildren(...this.#rowsOf(found, columns))
      // The longest bar is that of the largest group on the page.
      this.#body.style.setProperty('--most', String(Math.max(1e-9, ...groups.map(({ share }) => share))))
    })
    const position = positionIn(view, this.#kind.name)
    // A search does not change the height, so that nothing below the list moves while somebody types.
    if (!isSearched)
      this.element.style.setProperty('--rows', String(Math.min(position.rows, Math.max(2, count))))
    this.#pager.show({ ...position, count })
    return found
  }

  async #ask(view: View, signal: AbortSignal): Promise<Listing> {
    const parameters = { ...this.#listOf(view), ...pageParametersOf(view, this.#kind.name) }
    if (this.#kind.name === 'c') {
      const found = await askApi<Customers>(this.#api, parameters, signal)
      const { customers: groups, customerCount: count, previous, total, notes } = found
      return { groups, count, total, notes, isCompared: previous !== undefined && !previous.historyBegins }
    }
    const { sections, total, notes } = await askApi<Report>(this.#api, parameters, signal)
    return { groups: sections[0].groups, count: sections[0].groupCount, total, notes, isCompared: false }
  }

  get #api(): string {
    return this.#kind.name === 'c' ? 'customers' : 'report'
  }

  #listOf(view: View): ApiParameters {
    const state = (name: string) => this.#state(view, name) || undefined
    return {
      ...filterOf(view),
      ...this.#kind.parameters,
      by: this.#kind.by,
      compare: this.#kind.name === 'c' ? 'previous' : undefined,
      sort: state('sort'),
      order: state('order'),
      search: state('search'),
      latency: view['unit'] ? undefined : view['latency'],
    }
  }

  #state(view: View, name: string): string {
    return view[`${this.#kind.name}.${name}`] ?? ''
  }

  #change(changes: View): void {
    const named = Object.entries(changes).map(([name, value]) => [`${this.#kind.name}.${name}`, value])
    this.#go(addressOf(this.#view, Object.fromEntries(named)))
  }

  #drawHead(columns: readonly Column[]): void {
    const sorted = this.#state(this.#view, 'sort') || (this.#view['unit'] ? 'quantity' : 'requests')
    const cells = columns.map(({ title, sort, css }) => {
      if (!sort) return make('th', { scope: 'col', class: css }, title)
      const current = sort === sorted
      const natural = sort === 'group' ? 'asc' : 'desc'
      const now = current ? this.#state(this.#view, 'order') || natural : undefined
      const arrow = now && drawIcon(now === 'asc' ? 'up' : 'down')
      const button = make('button', { type: 'button', 'data-focus': sort }, arrow, title)
      const next = now === natural ? (natural === 'asc' ? 'desc' : 'asc') : ''
      button.addEventListener('click', () => this.#change({ sort, order: next, page: '' }))
      const order = now && (now === 'asc' ? 'ascending' : 'descending')
      return make('th', { scope: 'col', class: css, 'aria-sort': order }, button)
    })
    this.#head.replaceChildren(make('tr', {}, ...cells))
  }

  #rowsOf({ groups, count }: Listing, columns: readonly Column[]): HTMLElement[] {
    if (groups.length === 0) {
      const isSearched = this.#state(this.#view, 'search') !== ''
      const none = isSearched
        ? 'Nothing fits this search.'
        : `No ${nameOfAmount(this.#view['unit'])} in this period.`
      const text = count > 0 ? 'The list ends before this page.' : none
      return [make('tr', {}, make('td', { colspan: columns.length, class: 'none' }, text))]
    }
    return groups.map((group) => {
      const cells = columns.map(({ css, draw }, index) =>
        make(index === 0 ? 'th' : 'td', { class: css, scope: index === 0 ? 'row' : undefined }, draw(group)),
      )
      return make('tr', {}, ...cells)
    })
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
