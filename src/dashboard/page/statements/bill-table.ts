import { make } from '../make.ts'
import { positionIn } from '../lists/page-position.ts'
import { Pager } from '../lists/pager.ts'
import { addressOf, addressOfRows } from '../view.ts'
import type { ListName, View } from '../view.ts'

/** A column of a table of statements. A cell has one line, or a second one in small. */
export interface BillColumn<Row> {
  readonly title: string
  readonly css: string
  readonly draw: (row: Row) => readonly (Node | string)[]
}

/** What a table shows, and where its page is in the address. */
export interface BillTableKind<Row> {
  readonly name: ListName
  readonly title: string
  readonly columns: (view: View) => readonly BillColumn<Row>[]
  /** What stands there when there is no row. */
  readonly none: string
}

/** A table of statements, lines or customers in pages. */
export class BillTable<Row> {
  readonly element: HTMLElement
  readonly #kind: BillTableKind<Row>
  readonly #head = make('thead')
  readonly #body = make('tbody')
  readonly #pager: Pager
  #view: View = {}

  /** @param tools what stands beside the title */
  constructor(kind: BillTableKind<Row>, go: (address: string) => void, ...tools: readonly Node[]) {
    const { name, title } = kind
    this.#kind = kind
    this.#pager = new Pager(
      title.toLowerCase(),
      (page) => go(addressOf(this.#view, { [`${name}.page`]: page })),
      (rows) => go(addressOfRows(this.#view, rows)),
    )
    const caption = make('caption', { class: 'unseen' }, title)
    this.element = make(
      'section',
      { class: 'panel' },
      make('header', {}, make('h2', {}, title), ...tools),
      make('div', { class: 'scroll' }, make('table', { class: 'bill' }, caption, this.#head, this.#body)),
      this.#pager.element,
    )
  }

  /** Draws a page. */
  draw(view: View, rows: readonly Row[], count: number): void {
    this.#view = view
    const { name, none } = this.#kind
    const columns = this.#kind.columns(view)
    const titles = columns.map(({ title, css }) => make('th', { scope: 'col', class: css }, title))
    this.#head.replaceChildren(make('tr', {}, ...titles))
    const empty = count > 0 ? 'The list ends before this page.' : none
    this.#body.replaceChildren(
      ...(rows.length > 0
        ? rows.map((row) => drawRow(columns, row))
        : [make('tr', {}, make('td', { colspan: columns.length, class: 'none' }, empty))]),
    )
    this.#pager.show({ ...positionIn(view, name), count })
  }
}

function drawRow<Row>(columns: readonly BillColumn<Row>[], row: Row): HTMLElement {
  const cells = columns.map(({ css, draw }, index) =>
    index === 0
      ? make('th', { scope: 'row', class: css }, ...draw(row))
      : make('td', { class: css }, ...draw(row)),
  )
  return make('tr', {}, ...cells)
}

/** The second line of a cell. */
export function drawSmall(...inside: readonly (Node | string | undefined)[]): HTMLElement {
  return make('div', { class: 'small' }, ...inside)
}
