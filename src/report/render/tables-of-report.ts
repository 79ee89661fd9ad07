import type { UsageDimension } from '../../model/usage-query.ts'
import { isCalendarUnit } from '../../time/calendar.ts'
import { axesOf, isMatrix, nameOfAxis } from '../usage/axes.ts'
import type { Axis } from '../usage/axes.ts'
import { amountOf, nameOfAmount, subtractAmounts, sumAmounts, titleOfAmount } from '../usage/amount.ts'
import { countOf, formatCount } from '../../terminal/format-number.ts'
import { pluralOfAxis, tellApart, titleOfAxis } from '../usage/group-names.ts'
import { matrixTable } from './matrix-table.ts'
import type { Cell, Column, ReportTable } from './report-table.ts'
import type {
  InvoicePrices,
  Measures,
  ReportGroup,
  ReportSection,
  UsageReport,
} from '../usage/usage-report.ts'

const OVERVIEW_TITLES: Partial<Record<UsageDimension, string>> = {
  owner: 'Top customers',
  key: 'Top keys',
  method: 'Top endpoints',
  status: 'Statuses',
}

/** The tables of a report for people: two dimensions become a matrix. */
export function tablesOf(report: UsageReport): ReportTable[] {
  const tables = report.sections.map((section) => {
    const matrix = isMatrix(section.by) && report.report !== 'invoice'
    return matrix ? matrixTable(report, section) : groupTable(report, section)
  })
  const shown = report.sections[0]?.groups.length ?? 0
  return report.prices ? [...tables, customersTable(report.prices, shown)] : tables
}

/** A limit of lines is one of customers too: there are at most as many. */
function customersTable({ currency, total, customers }: InvoicePrices, limit: number): ReportTable {
  const rest = customers.length - limit
  return {
    title: 'Customers',
    columns: [
      { name: 'customer', title: 'Customer', kind: 'text' },
      { name: 'amount', title: `Amount (${currency})`, kind: 'amount' },
    ],
    rows: customers.slice(0, limit).map(({ owner, keyId = null, amount }) => [owner ?? keyId, amount]),
    total: ['Total', total],
    ...(rest > 0 && { note: `${countOf(rest, 'more customer')}: use --limit 0 to see all.` }),
  }
}

function groupTable(report: UsageReport, section: ReportSection): ReportTable {
  const { timeZone } = report.period
  const { by, groups, groupCount, keyCount: totalCount = groupCount } = section
  // on an invoice a method is a column, because lines are added up by it
  const axes = report.report === 'invoice' ? by.map((one): Axis => [one]) : axesOf(by)
  const dimensions = axes.map((axis): Column => ({
    name: nameOfAxis(axis),
    title: titleOfAxis(axis),
    kind: 'text',
  }))
  const textFor = tellApart(groups, timeZone)
  const measures = measureColumns(report, by)
  const [axis, second] = axes
  const [singular, plural] = axis && !second ? [nameOfAxis(axis), pluralOfAxis(axis)] : ['line', 'lines']
  return {
    title: report.report === 'overview' ? OVERVIEW_TITLES[by[0] ?? 'key'] : undefined,
    columns: [...dimensions, ...measures.map(({ column }) => column)],
    rows: groups.map((group) =>
      axes.map((axis): Cell => textFor(group, axis)).concat(measures.map(({ cell }) => cell(group))),
    ),
    total: [
      `Total of ${countOf(totalCount, singular, plural)}`,
      ...dimensions.slice(1).map(() => null),
      ...measures.map(({ cell }) =>
        cell({
          ...report.total,
          share: amountOf(report.total) ? 1 : 0,
          amount: report.prices?.total ?? null,
        }),
      ),
    ],
    ...noteRest(report, section, plural),
  }
}

/** Notes what a limit hides: for groups of time, those before the first that is shown. */
function noteRest(
  { total, unit: counted }: UsageReport,
  { groups, groupCount, by }: ReportSection,
  plural: string,
): Pick<ReportTable, 'note'> {
  const rest = groupCount - groups.length
  if (rest === 0) return {}
  const amount = subtractAmounts(amountOf(total), sumAmounts(groups.map(amountOf), counted))
  const [unit] = by
  const hidden = unit && isCalendarUnit(unit) ? `other ${plural}` : 'more'
  return {
    note: `${formatCount(rest)} ${hidden} with ${formatCount(amount)} ${nameOfAmount(counted, amount)}: use --limit 0 to see all.`,
  }
}

/** A group that is not in the previous period is new. A total has the same columns as its groups. */
function cellOfChange({ change = null, previousRequests, previousQuantity, ...now }: Measures): Cell {
  const before = previousQuantity ?? previousRequests
  return change === null && amountOf(now) && !before ? 'new' : change
}

interface MeasureColumn {
  readonly column: Column
  readonly cell: (measures: Measures & Pick<ReportGroup, 'share' | 'trend' | 'unit' | 'amount'>) => Cell
}

function measureColumns(report: UsageReport, by: readonly UsageDimension[]): MeasureColumn[] {
  if (report.prices) {
    return [
      column('unit', 'Unit', 'text', ({ unit = null }) => unit),
      column('quantity', 'Quantity', 'count', ({ quantity = null }) => quantity),
      column('amount', `Amount (${report.prices.currency})`, 'amount', ({ amount = null }) => amount),
    ]
  }
  const { unit } = report
  // of a unit, the requests that used it stand beside it
  const counted = [
    ...(unit === undefined
      ? []
      : [column('quantity', titleOfAmount(unit), 'count', ({ quantity = null }) => quantity)]),
    column('requests', 'Requests', 'count', ({ requests }) => requests, unit === undefined ? undefined : 5),
  ]
  if (report.report === 'invoice') return counted
  const compared = report.sections.some(({ groups }) => groups[0]?.change !== undefined)
  const comparable = compared && !report.previous?.historyBegins
  const timed = report.total.measured !== undefined
  // only the overview of one customer has statuses; it has the columns that a report of one key has
  const isOfCustomer =
    report.report === 'overview' && report.sections.some(({ by: [first] }) => first === 'status')
  const detailed = (report.report === 'usage' || isOfCustomer) && !timed
  const byTime = by.some(isCalendarUnit)
  return [
    ...counted,
    column('share', 'Share', 'share', ({ share }) => share, 5),
    ...(comparable ? [column('change', 'Change', 'change', cellOfChange)] : []),
    column('errorRate', 'Errors', 'share', ({ errorRate }) => errorRate, 3),
    ...(detailed
      ? [
          column('clientErrors', '4xx', 'count', ({ clientErrors }) => clientErrors, 6),
          column('serverErrors', '5xx', 'count', ({ serverErrors }) => serverErrors, 6),
        ]
      : []),
    ...(timed
      ? [
          column('meanDurationMs', 'Mean', 'duration', ({ meanDurationMs }) => meanDurationMs, 8),
          column('p50Ms', 'p50', 'duration', ({ p50Ms = null }) => p50Ms),
          column('p95Ms', 'p95', 'duration', ({ p95Ms = null }) => p95Ms),
          column('p99Ms', 'p99', 'duration', ({ p99Ms = null }) => p99Ms),
        ]
      : []),
    ...(detailed && !byTime
      ? [column('firstUsed', 'First use', 'time', ({ firstUsed }) => firstUsed, 7)]
      : []),
    ...(byTime ? [] : [column('lastUsed', 'Last use', 'time', ({ lastUsed }) => lastUsed, 2)]),
    ...(report.series ? [column('trend', 'Trend', 'trend', ({ trend }) => trend ?? null, 4)] : []),
  ]
}

function column(
  name: string,
  title: string,
  kind: Column['kind'],
  cell: MeasureColumn['cell'],
  dropFirst?: number,
): MeasureColumn {
  return { column: { name, title, kind, dropFirst }, cell }
}
