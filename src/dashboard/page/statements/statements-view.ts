import { askApi, urlOf } from '../ask-api.ts'
import type {
  BilledCustomer,
  ListedStatement,
  ShownLine,
  ShownStatement,
  StatementCustomers,
  StatementList,
} from '../ask-api.ts'
import { foreign, make } from '../make.ts'
import { pageParametersOf } from '../lists/page-position.ts'
import { addressOf, addressOfPage } from '../view.ts'
import type { View } from '../view.ts'
import { columnsOfCustomers, columnsOfLines, columnsOfStatements } from './bill-columns.ts'
import { BillTable } from './bill-table.ts'
import { drawHowToClose } from './how-to-close.ts'
import { drawBilled, drawFacts } from './statement-facts.ts'

const TYPING_MS = 250
const KINDS = [
  ['', 'All lines'],
  ['usage', 'Usage'],
  ['correction', 'Corrections'],
] as const

/** The pages of statements: the list of all, and each of them; of all customers or of one. */
export class StatementsView {
  readonly element: HTMLElement
  readonly #list: BillTable<ListedStatement>
  readonly #lines: BillTable<ShownLine>
  readonly #customers: BillTable<BilledCustomer>
  readonly #cards = make('div', { class: 'cards' })
  readonly #facts = make('dl', { class: 'seal' })
  readonly #seal = make(
    'section',
    { class: 'panel' },
    make('header', {}, make('h2', {}, 'Statement')),
    this.#facts,
  )
  readonly #empty = make('section', { class: 'panel how', hidden: true })
  readonly #part = make('p', { class: 'part', hidden: true })
  readonly #kind = make('select', { 'aria-label': 'Kind of lines' })
  readonly #search = make('input', {
    type: 'search',
    placeholder: 'Search',
    'aria-label': 'Search customers of the statement',
  })
  readonly #csv = make('a', { class: 'button', download: '', 'aria-label': 'Download as CSV' }, 'CSV')
  readonly #json = make('a', { class: 'button', download: '', 'aria-label': 'Download as JSON' }, 'JSON')
  #view: View = {}
  #typing: number | undefined

  constructor(go: (address: string) => void) {
    this.#list = new BillTable(
      {
        name: 's',
        title: 'Statements',
        columns: columnsOfStatements,
        none: 'No statement has lines of this customer.',
      },
      go,
    )
    this.#lines = new BillTable(
      { name: 'l', title: 'Lines', columns: columnsOfLines, none: 'There are no such lines.' },
      go,
      this.#kind,
      this.#csv,
      this.#json,
    )
    this.#customers = new BillTable(
      { name: 'b', title: 'Customers', columns: columnsOfCustomers, none: 'Nothing fits this search.' },
      go,
      this.#search,
    )
    this.#kind.append(...KINDS.map(([value, text]) => make('option', { value }, text)))
    this.#kind.addEventListener('change', () =>
      go(addressOf(this.#view, { kind: this.#kind.value, 'l.page': '' })),
    )
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#typing)
      const search = () => go(addressOf(this.#view, { 'b.search': this.#search.value, 'b.page': '' }))
      this.#typing = window.setTimeout(search, TYPING_MS)
    })
    this.element = make(
      'div',
      { class: 'parts', hidden: true },
      this.#part,
      this.#empty,
      this.#list.element,
      this.#cards,
      this.#seal,
      this.#lines.element,
      this.#customers.element,
    )
  }

  /** Shows the parts of the page that a view names. */
  show(view: View): void {
    this.#view = view
    const { statement, owner, kind = '' } = view
    const isList = statement === 'all'
    this.element.hidden = statement === undefined
    this.#list.element.hidden = !isList
    for (const part of [this.#cards, this.#seal, this.#lines.element]) part.hidden = isList
    this.#customers.element.hidden = isList || owner !== undefined
    this.#empty.hidden = true
    this.#kind.value = kind
    if (document.activeElement !== this.#search) this.#search.value = view['b.search'] ?? ''
    this.#part.hidden = owner === undefined
    if (owner !== undefined) this.#part.replaceChildren(...drawPart(view, owner))
  }

  /** Asks for what the page shows, and draws it. */
  async load(view: View, signal: AbortSignal): Promise<ShownStatement | undefined> {
    const { statement, owner, kind } = view
    if (statement === 'all') {
      const found = await askApi<StatementList>(
        'statements',
        { owner, ...pageParametersOf(view, 's') },
        signal,
      )
      this.#drawList(view, found)
      return undefined
    }
    const [shown] = await Promise.all([
      askApi<ShownStatement>('statement', { statement, owner, kind, ...pageParametersOf(view, 'l') }, signal),
      ...(owner === undefined ? [this.#loadCustomers(view, signal)] : []),
    ])
    this.#cards.replaceChildren(...drawBilled(shown))
    this.#facts.replaceChildren(...drawFacts(view, shown))
    this.#lines.draw(view, shown.lines, shown.lineCount)
    this.#csv.href = urlOf('statement-file', { statement, format: 'csv', owner })
    this.#json.href = urlOf('statement-file', { statement, format: 'json', owner })
    return shown
  }

  #drawList(view: View, { statements, statementCount }: StatementList): void {
    const isNone = statementCount === 0 && view['owner'] === undefined
    this.#list.element.hidden = isNone
    this.#empty.hidden = !isNone
    if (isNone) this.#empty.replaceChildren(...drawHowToClose(view['tz']))
    else this.#list.draw(view, statements, statementCount)
  }

  async #loadCustomers(view: View, signal: AbortSignal): Promise<void> {
    const { customers, customerCount } = await askApi<StatementCustomers>(
      'statement-customers',
      { statement: view['statement'], search: view['b.search'], ...pageParametersOf(view, 'b') },
      signal,
    )
    this.#customers.draw(view, customers, customerCount)
  }
}

/** Whose part is shown, with the ways to all customers and to the usage of this one. */
function drawPart(view: View, owner: string): (Node | string)[] {
  return [
    'Only ',
    foreign(owner),
    ': ',
    make('a', { href: addressOf(view, { owner: '', 'l.page': '', 's.page': '' }) }, 'show all customers'),
    ' or ',
    make('a', { href: addressOfPage(view, { owner }) }, 'the usage of this customer'),
    '.',
  ]
}
