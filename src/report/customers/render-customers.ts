import { amountOf, nameOfAmount, titleOfAmount } from '../usage/amount.ts'
import { renderCsv } from '../render/render-csv.ts'
import { renderMarkdownPage, renderMarkdownTable } from '../render/render-markdown.ts'
import { renderHeading } from '../render/render-report.ts'
import { renderTable } from '../render/render-table.ts'
import type { Screen } from '../../terminal/screen.ts'
import type { Cell, Column, ReportTable } from '../render/report-table.ts'
import type { CustomerMeasures, Customers } from './customers-report.ts'
import { renderNotes } from '../render/render-notes.ts'
import { countOf } from '../../terminal/format-number.ts'

const COLUMNS: readonly Column[] = [
  { name: 'owner', title: 'Customer', kind: 'text' },
  { name: 'keys', title: 'Keys', kind: 'count' },
  { name: 'requests', title: 'Requests', kind: 'count' },
  { name: 'share', title: 'Share', kind: 'share', dropFirst: 4 },
  { name: 'errorRate', title: 'Errors', kind: 'share', dropFirst: 2 },
  { name: 'lastUsed', title: 'Last use', kind: 'time', dropFirst: 1 },
  { name: 'trend', title: 'Trend', kind: 'trend', dropFirst: 3 },
]
const CSV_NAMES = [
  'owner',
  'keys',
  'unit',
  'quantity',
  'requests',
  'share',
  'errorRate',
  'firstUsed',
  'lastUsed',
] as const
const OF_UNIT = new Set<string>(['unit', 'quantity'])
const OPTIONAL_CSV_NAMES = [
  'measured',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'previousQuantity',
  'previousRequests',
  'change',
] as const

/** Renders a list of customers in any format except json. */
export function renderCustomers(found: Customers, format: string, screen: Screen): string {
  const { period, unit, database: databaseLabel, dataDir, customers, notes } = found
  const title = unit === undefined ? 'Customers' : `Customers (unit ${unit})`
  if (format === 'csv') return renderCustomersCsv(found)
  const heading = { title, databaseLabel, dataDir }
  const table = tableOf(found)
  if (format === 'markdown') {
    const tables = [renderMarkdownTable(table, period.timeZone)]
    return renderMarkdownPage(heading, [`Period: ${period.text}`], notes, tables)
  }
  const list =
    customers.length > 0
      ? renderTable(table, screen, period.timeZone)
      : `No ${nameOfAmount(unit)} in this period.\n`
  return [renderHeading(heading, period.text, screen), list, ...renderNotes(notes, screen)].join('\n')
}

function tableOf({ customers, customerCount, total, series, unit }: Customers): ReportTable {
  const columns = columnsOf(unit).filter(({ name }) => name !== 'trend' || series)
  const toCells = (customer: Partial<CustomerMeasures>, name: Cell): Cell[] =>
    columns.map((column) =>
      column.name === 'owner' ? name : ((customer[column.name as keyof CustomerMeasures] as Cell) ?? null),
    )
  const rest = customerCount - customers.length
  const { requests, quantity, errorRate, lastUsed } = total
  return {
    columns,
    rows: customers.map((customer) => toCells(customer, customer.owner ?? '(none)')),
    total: toCells(
      { requests, quantity, errorRate, lastUsed, share: amountOf(total) ? 1 : 0 },
      `Total of ${countOf(customerCount, 'customer')}`,
    ),
    ...(rest > 0 && { note: `${rest} more: use a higher --limit, or 0 to see all.` }),
  }
}

/** Of a unit its quantity too, beside the requests that used it. */
function columnsOf(unit: string | undefined): readonly Column[] {
  if (unit === undefined) return COLUMNS
  const quantity = { name: 'quantity', title: titleOfAmount(unit), kind: 'count' } as const
  return COLUMNS.flatMap((column) =>
    column.name === 'requests' ? [quantity, { ...column, dropFirst: 5 }] : [column],
  )
}

/** Plain numbers and UTC times, with the unit, the durations and the comparison when they were asked for. */
export function renderCustomersCsv({ customers, unit }: Pick<Customers, 'customers' | 'unit'>): string {
  const asked = OPTIONAL_CSV_NAMES.filter((name) =>
    customers.some((customer) => customer[name] !== undefined),
  )
  const names = [...CSV_NAMES.filter((name) => unit !== undefined || !OF_UNIT.has(name)), ...asked]
  const lines = customers.map((customer) =>
    names.map((name) => (name === 'unit' ? unit : customer[name]) ?? null),
  )
  return renderCsv([names, ...lines])
}
