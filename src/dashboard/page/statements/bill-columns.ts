import { describeQuantities, groupDigits } from '../../../model/quantities.ts'
import type { Quantities } from '../../../model/statement.ts'
import type { BilledCustomer, ListedStatement, ShownLine } from '../ask-api.ts'
import { countOf, formatTime } from '../format.ts'
import { foreign, make } from '../make.ts'
import { addressOf, addressOfPage } from '../view.ts'
import type { View } from '../view.ts'
import { drawSmall } from './bill-table.ts'
import type { BillColumn } from './bill-table.ts'

/** The columns of the list of statements. */
export function columnsOfStatements(view: View): BillColumn<ListedStatement>[] {
  return [
    {
      title: 'Period',
      css: 'what',
      draw: ({ number, period }) => [
        make('a', { href: addressOfStatement(view, number) }, period.label),
        drawSmall(`statement ${number}, ${period.timeZone}`),
      ],
    },
    { title: 'Billed', css: 'amounts', draw: ({ usage }) => drawQuantities(usage) },
    {
      title: 'Corrections',
      css: 'amounts',
      draw: ({ corrections }) => drawCorrections(view, corrections),
    },
    {
      title: 'Closed (UTC)',
      css: 'moment',
      draw: ({ closedAt, isSigned }) => [
        make('time', { datetime: closedAt }, formatTime(closedAt, 'UTC')),
        drawSmall(isSigned ? 'signed' : 'not signed'),
      ],
    },
  ]
}

/** The columns of the lines of a statement. */
export function columnsOfLines(view: View): BillColumn<ShownLine>[] {
  return [
    {
      title: 'Endpoint',
      css: 'what',
      draw: ({ method, endpoint, owner, key, keyId }) => [
        make('span', { class: 'method' }, method),
        ' ',
        foreign(endpoint),
        drawSmall(
          ...(owner === null ? ['no customer'] : [linkToPart(view, owner)]),
          ' · ',
          make('a', { href: addressOfPage(view, { key: keyId }) }, foreign(key)),
        ),
      ],
    },
    {
      title: 'Quantity',
      css: 'quantity',
      draw: ({ quantity, unit }) => [groupDigits(quantity), drawSmall(unit)],
    },
    { title: 'Period', css: 'period', draw: (line) => drawPeriod(view, line) },
  ]
}

/** The columns of the customers of a statement. */
export function columnsOfCustomers(view: View): BillColumn<BilledCustomer>[] {
  return [
    {
      title: 'Customer',
      css: 'what',
      draw: ({ owner, keys }) => [
        owner === null ? make('span', { class: 'soft' }, '(none)') : linkToPart(view, owner),
        drawSmall(
          countOf(keys, 'key'),
          ...(owner === null ? [] : [' · ', make('a', { href: addressOfPage(view, { owner }) }, 'usage')]),
        ),
      ],
    },
    { title: 'Billed', css: 'amounts', draw: ({ usage }) => drawQuantities(usage) },
    {
      title: 'Corrections',
      css: 'amounts',
      draw: ({ corrections }) => drawCorrections(view, corrections),
    },
  ]
}

/** The address of a statement, of the customer that the view is about or of all. */
export function addressOfStatement(view: View, statement: number | 'all'): string {
  const { owner } = view
  return addressOfPage(view, { statement: String(statement), ...(owner !== undefined && { owner }) })
}

/** A customer's name, which leads to the part of that customer. */
function linkToPart(view: View, owner: string): HTMLElement {
  const href = addressOf(view, { owner, 'l.page': '', 'b.page': '', 'b.search': '' })
  return make('a', { href }, foreign(owner))
}

function drawPeriod(view: View, { period, corrects, ownerSince }: ShownLine): (Node | string)[] {
  const from =
    ownerSince === null ? undefined : drawSmall(`from ${ownerSince.slice(0, 16).replace('T', ' ')}`)
  if (corrects === null) return [period.label, ...(from ? [from] : [])]
  return [
    make('span', { class: 'correction' }, 'correction'),
    drawSmall('of ', make('a', { href: addressOfStatement(view, corrects) }, period.label)),
    ...(from ? [from] : []),
  ]
}

/** One line for each unit. */
export function drawQuantities(quantities: Quantities): (Node | string)[] {
  const lines = Object.entries(quantities)
  return lines.length === 0
    ? ['–']
    : lines.map(([unit, quantity]) => make('div', {}, describeQuantities({ [unit]: quantity })))
}

/** What a statement corrects, with a link to the statement of that period. */
export function drawCorrections(view: View, corrections: ListedStatement['corrections']): (Node | string)[] {
  if (corrections.length === 0) return ['–']
  return corrections.map(({ statement, period, quantities }) =>
    make(
      'div',
      {},
      make('a', { href: addressOfStatement(view, statement) }, period.label),
      `: ${describeQuantities(quantities)}`,
    ),
  )
}
