import { isCalendarUnit } from '../../time/calendar.ts'
import type { CalendarUnit } from '../../time/calendar.ts'
import type { UsageDimension } from '../../model/usage-query.ts'
import type { CsvValue } from './render-csv.ts'
import type { InvoicePrices, ReportGroup, ReportSection, UsageReport } from '../usage/usage-report.ts'

/** A column for programs and spreadsheets. Its times are instants. */
export interface DataColumn {
  readonly name: string
  readonly read: (group: ReportGroup) => CsvValue
  /** Only for times: their precision, and whether they are in the time zone of the report or in UTC. */
  readonly time?: { readonly unit: CalendarUnit; readonly isLocal: boolean }
}

const MEASURES = [
  'requests',
  'share',
  'errorRate',
  'clientErrors',
  'serverErrors',
  'rejected',
  'meanDurationMs',
] as const
const DURATIONS = ['measured', 'p50Ms', 'p95Ms', 'p99Ms'] as const

/** The columns of a section: its dimensions, then plain numbers. An invoice line also has its period and time zone. */
export function dataColumnsOf(report: UsageReport, { by, groups }: ReportSection): DataColumn[] {
  const dimensions = by.flatMap((dimension) => columnsOf(dimension, report))
  const amounts = report.unit === undefined ? [] : quantityColumns(report.unit)
  if (report.report === 'invoice') {
    const billed = report.prices ? pricedColumns(report.prices) : [...amounts, ...plain(['requests'])]
    return [...dimensions, ...billed, ...periodColumns(report)]
  }
  const isTimed = groups.some(({ measured }) => measured !== undefined)
  const isCompared = groups.some(({ change }) => change !== undefined)
  return [
    ...dimensions,
    ...amounts,
    ...plain(report.unit === undefined ? MEASURES : MEASURES.filter((name) => name !== 'meanDurationMs')),
    ...timeColumns('firstUsed', ({ firstUsed }) => firstUsed, report),
    ...timeColumns('lastUsed', ({ lastUsed }) => lastUsed, report),
    ...(isTimed ? plain(DURATIONS) : []),
    ...(isCompared ? comparedColumns(report) : []),
  ]
}

function columnsOf(dimension: UsageDimension, report: UsageReport): DataColumn[] {
  if (dimension === 'key') {
    const keys = { name: 'keyCount', read: ({ key }: ReportGroup) => key?.keyCount ?? 1 }
    return [
      { name: 'keyId', read: ({ key }) => key?.id ?? null },
      { name: 'keyLabel', read: ({ key }) => key?.label ?? null },
      { name: 'keyName', read: ({ key }) => key?.name ?? null },
      { name: 'keyOwner', read: ({ key }) => key?.owner ?? null },
      // an invoice has lines of single keys
      ...(report.report === 'invoice' ? [] : [keys]),
    ]
  }
  if (isCalendarUnit(dimension)) {
    return timeColumns(dimension, (group) => group[dimension] ?? null, report, dimension)
  }
  return [{ name: dimension, read: (group) => group[dimension] ?? null }]
}

/** The unit stands in each line, so that lines of several files can be told apart. */
function quantityColumns(unit: string): DataColumn[] {
  return [{ name: 'unit', read: () => unit }, quantityColumn('quantity', ({ quantity }) => quantity)]
}

function quantityColumn(name: string, read: (group: ReportGroup) => bigint | undefined): DataColumn {
  return { name, read: (group) => read(group) ?? null }
}

function pricedColumns({ currency }: InvoicePrices): DataColumn[] {
  return [
    { name: 'unit', read: ({ unit = null }) => unit },
    quantityColumn('quantity', ({ quantity }) => quantity),
    { name: 'amount', read: ({ amount = null }) => (amount === null ? null : { decimal: amount }) },
    { name: 'currency', read: () => currency },
  ]
}

function periodColumns(report: UsageReport): DataColumn[] {
  const { since, until, figuresTo, timeZone, complete } = report.period
  return [
    ...timeColumns('since', () => since, report),
    ...timeColumns('until', () => until, report),
    { name: 'timeZone', read: () => timeZone },
    { name: 'complete', read: () => complete },
    ...timeColumns('figuresTo', () => figuresTo, report),
  ]
}

function comparedColumns(report: UsageReport): DataColumn[] {
  const { since = null, until = null } = report.previous ?? {}
  return [
    ...(report.unit === undefined
      ? []
      : [quantityColumn('previousQuantity', ({ previousQuantity }) => previousQuantity)]),
    ...plain(['previousRequests', 'change']),
    ...timeColumns('previousSince', () => since, report),
    ...timeColumns('previousUntil', () => until, report),
  ]
}

function plain(
  names: readonly (typeof MEASURES | typeof DURATIONS | readonly ['previousRequests', 'change'])[number][],
): DataColumn[] {
  return names.map((name) => ({ name, read: (group) => group[name] ?? null }))
}

/** A time in UTC and, for any other time zone, a second time as local time. */
function timeColumns(
  name: string,
  read: (group: ReportGroup) => Date | null,
  { period }: UsageReport,
  unit: CalendarUnit = 'hour',
): DataColumn[] {
  const utc = { name, read, time: { unit: 'hour', isLocal: false } } as const
  return period.timeZone === 'UTC'
    ? [utc]
    : [utc, { name: `${name}Local`, read, time: { unit, isLocal: true } }]
}
