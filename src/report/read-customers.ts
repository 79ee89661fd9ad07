import { buildReport } from './build-report.ts'
import { noteUndelivered } from './note-undelivered.ts'
import { parsePeriod } from '../time/period.ts'
import { renderCsv } from './render-csv.ts'
import { escapeMarkdown, renderMarkdownTable } from './render-markdown.ts'
import { renderHeading } from './render-report.ts'
import { renderTable } from '../terminal/render-table.ts'
import type { Screen } from '../terminal/screen.ts'
import type { Cell, Column, ReportTable } from './report-table.ts'
import type { ReportGroup, UsageReport } from './usage-report.ts'
import { atOneMoment } from './usage-source.ts'
import type { Database } from '../store/database/open-database.ts'
import { isReservedKey } from '../model/key.ts'
import type { UsageRow } from '../model/usage-row.ts'
import { SORTS } from './read-report.ts'

/** The flags of `customers list`, parsed. */
export interface CustomerFlags {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly month?: string | undefined
  readonly tz: string
  readonly sort?: string | undefined
  readonly limit?: number | undefined
  readonly format: string
}

/** An owner of keys, with the usage in the period. */
export interface Customer {
  /** Null: keys without a known owner. */
  readonly owner: string | null
  /** Keys with requests, without `(other)` and `(rejected)`. */
  readonly keys: number
  readonly requests: number
  /** Share of all requests, 0 to 1. */
  readonly share: number
  /** Statuses 400-599 over requests, 0 to 1. */
  readonly errorRate: number
  readonly firstUsed: Date | null
  readonly lastUsed: Date | null
  /** Requests per step of the series. */
  readonly trend?: readonly number[] | undefined
}

/** The data of `customers list --json`. */
export interface Customers extends Pick<UsageReport, 'period' | 'total' | 'notes' | 'series'> {
  readonly database: string
  readonly dataDir: string
  /** All customers, shown or not. */
  readonly customerCount: number
  readonly customers: readonly Customer[]
}

const DEFAULT_PERIOD = '30d'
const COLUMNS: readonly Column[] = [
  { name: 'owner', title: 'Customer', kind: 'text' },
  { name: 'keys', title: 'Keys', kind: 'count' },
  { name: 'requests', title: 'Requests', kind: 'count' },
  { name: 'share', title: 'Share', kind: 'share', dropFirst: 4 },
  { name: 'errorRate', title: 'Errors', kind: 'share', dropFirst: 2 },
  { name: 'lastUsed', title: 'Last use', kind: 'time', dropFirst: 1 },
  { name: 'trend', title: 'Trend', kind: 'trend', dropFirst: 3 },
]

/** Lists the owners with requests in a period. A request belongs to the owner that the key had at its time. */
export async function readCustomers(
  db: Database,
  flags: CustomerFlags,
  { dataDir }: { readonly dataDir: string },
): Promise<Customers> {
  const { since, until, month, tz: timeZone } = flags
  const isGiven = (since ?? until ?? month) !== undefined
  const period = parsePeriod({ since: isGiven ? since : DEFAULT_PERIOD, until, month, timeZone })
  const [report, keys] = await atOneMoment(db, async (source) => [
    await buildReport(source, {
      period,
      by: ['owner'],
      withTrend: flags.format !== 'csv',
      sort: SORTS[flags.sort ?? 'requests']!,
      limit: flags.limit || undefined,
    }),
    await source.findUsage({
      by: ['owner', 'key'],
      since: period.since,
      until: period.until,
    }),
  ])
  const counts = countKeysByOwner(keys)
  const [section] = report.sections
  return {
    database: db.databaseLabel,
    dataDir,
    period: report.period,
    total: report.total,
    series: report.series,
    customerCount: section!.groupCount,
    customers: section!.groups.map((group) => toCustomer(group, counts)),
    notes: [...report.notes, ...(await noteUndelivered(db, dataDir))],
  }
}

function toCustomer(group: ReportGroup, counts: ReadonlyMap<string | null, number>): Customer {
  const { owner = null, requests, share, errorRate, firstUsed, lastUsed, trend } = group
  const keys = counts.get(owner) ?? 0
  return { owner, keys, requests, share, errorRate, firstUsed, lastUsed, trend }
}

function countKeysByOwner(rows: readonly UsageRow[]): Map<string | null, number> {
  const counts = new Map<string | null, number>()
  for (const { owner = null, key } of rows) {
    if (key && !isReservedKey(key.id)) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  return counts
}

/** Renders a list of customers in any format except json. */
export function renderCustomers(found: Customers, format: string, screen: Screen): string {
  const { period, database: databaseLabel, dataDir, customers, notes } = found
  if (format === 'csv') return renderCustomersCsv(customers)
  const table = tableOf(found)
  if (format === 'markdown') {
    const facts = [
      `Period: ${period.text}`,
      `Database: ${databaseLabel}`,
      `Data folder: ${dataDir}`,
      ...notes,
    ]
    const list = facts.map((fact) => `- ${escapeMarkdown(fact)}`).join('\n')
    return `## Customers\n\n${list}\n\n${renderMarkdownTable(table, period.timeZone)}\n`
  }
  const heading = renderHeading({ title: 'Customers', databaseLabel, dataDir }, period.text, screen)
  const list =
    customers.length > 0 ? renderTable(table, screen, period.timeZone) : 'No requests in this period.\n'
  return [heading, list, ...notes.map((note) => `Note: ${note}\n`)].join('\n')
}

function tableOf({ customers, customerCount, total, series }: Customers): ReportTable {
  const columns = COLUMNS.filter(({ name }) => name !== 'trend' || series)
  const toCells = (customer: Partial<Customer>, name: Cell): Cell[] =>
    columns.map((column) =>
      column.name === 'owner' ? name : ((customer[column.name as keyof Customer] as Cell) ?? null),
    )
  const rest = customerCount - customers.length
  const { requests, errorRate, lastUsed } = total
  return {
    columns,
    rows: customers.map((customer) => toCells(customer, customer.owner ?? '(none)')),
    total: toCells(
      { requests, errorRate, lastUsed, share: requests ? 1 : 0 },
      `Total of ${customerCount} ${customerCount === 1 ? 'customer' : 'customers'}`,
    ),
    note: rest > 0 ? `${rest} more: use a higher --limit, or 0 to see all.` : undefined,
  }
}

function renderCustomersCsv(customers: readonly Customer[]): string {
  const names = ['owner', 'keys', 'requests', 'share', 'errorRate', 'firstUsed', 'lastUsed'] as const
  return renderCsv([names, ...customers.map((customer) => names.map((name) => customer[name]))])
}
