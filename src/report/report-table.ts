import type { KeyIdentity } from '../model/key.ts'
import type { UsageDimension } from '../model/usage-query.ts'
import { formatInstant, isCalendarUnit } from '../time/calendar.ts'
import { formatCount } from './format-number.ts'
import { axesOf, isMatrix, nameOfAxis } from './axes.ts'
import type { Axis } from './axes.ts'
import type { Measures, ReportGroup, ReportSection, UsageReport } from './usage-report.ts'

/** A cell before it is formatted; the kind of its column defines its type. */
export type Cell = string | number | bigint | boolean | Date | readonly number[] | null

/** One column. `count` is a whole number, `share` and `change` are ratios, `duration` is ms, `trend` is a series. */
export interface Column {
  /** For programs: the name of the column in CSV. */
  readonly name: string
  readonly title: string
  readonly kind: 'text' | 'count' | 'share' | 'change' | 'duration' | 'time' | 'trend'
  /** On a narrow terminal the columns with the highest number are left out first, those without one never. */
  readonly dropFirst?: number | undefined
}

/** A table for people: the input of the renderers for terminals and Markdown. */
export interface ReportTable {
  readonly title?: string | undefined
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** The last line, one cell per column. */
  readonly total?: readonly Cell[] | undefined
  /** A note about what the table leaves out. */
  readonly note?: string | undefined
}

const TITLES: Record<UsageDimension, string> = {
  key: 'Key',
  // several endpoints: methods are merged
  endpoint: 'Path',
  method: 'Method',
  status: 'Status',
  owner: 'Owner',
  hour: 'Hour',
  day: 'Day',
  week: 'Week from',
  month: 'Month',
}
const PLURALS: Record<UsageDimension, string> = {
  key: 'keys',
  endpoint: 'paths',
  method: 'methods',
  status: 'statuses',
  owner: 'owners',
  hour: 'hours',
  day: 'days',
  week: 'weeks',
  month: 'months',
}

const OVERVIEW_TITLES: Partial<Record<UsageDimension, string>> = {
  owner: 'Top customers',
  key: 'Top keys',
  method: 'Top endpoints',
  status: 'Statuses',
}

/** Fewest characters of an id to show; `--key` finds a key by the start of its id. */
const LEAST_OF_ID = 8

/** The name of a key in a table: its name with its label, or its label alone. */
export function nameOfKey({ name, label }: Pick<KeyIdentity, 'name' | 'label'>): string {
  return name === null || name === label ? label : `${name} (${label})`
}

type TextOf = (group: ReportGroup, axis: Axis) => string

const titleOf = (axis: Axis): string => (axis.length === 2 ? 'Endpoint' : TITLES[axis[0]])
const pluralOf = (axis: Axis): string => (axis.length === 2 ? 'endpoints' : PLURALS[axis[0]])

/** Makes a `textOf` for some groups. Where several of their keys have the same name, the start of the id is added. */
function tellApart(groups: readonly ReportGroup[], timeZone: string): TextOf {
  const keys = new Map(groups.flatMap(({ key }) => (key ? [[key.id, key]] : [])))
  const namesakes = [...Map.groupBy(keys.values(), nameOfKey)].filter(([, { length }]) => length > 1)
  const lengthOf = new Map(namesakes.map(([name, same]) => [name, findLength(same)]))
  return (group, axis) => {
    if (axis.length === 2) return `${group.method} ${group.endpoint}`
    const text = textOf(group, axis[0], timeZone)
    const length = axis[0] === 'key' ? lengthOf.get(text) : undefined
    return length === undefined ? text : `${text} ${group.key!.id.slice(0, length)}`
  }
}

/** How many characters of their ids distinguish keys with the same name. */
function findLength(keys: readonly KeyIdentity[]): number {
  let length = LEAST_OF_ID
  while (new Set(keys.map(({ id }) => id.slice(0, length))).size < keys.length) length += 1
  return length
}

/** The value of a dimension of a group, as text. */
function textOf(group: ReportGroup, dimension: UsageDimension, timeZone: string): string {
  if (dimension === 'key') return group.key ? nameOfKey(group.key) : ''
  if (dimension === 'owner') return group.owner ?? '(none)'
  if (isCalendarUnit(dimension)) return formatInstant(group[dimension] ?? new Date(0), timeZone, dimension)
  return String(group[dimension] ?? '')
}

/** The tables of a report for people: two dimensions become a matrix. */
export function tablesOf(report: UsageReport): ReportTable[] {
  return report.sections.map((section) => {
    const matrix = isMatrix(section.by) && report.report !== 'invoice'
    return matrix ? matrixTable(report, section) : groupTable(report, section)
  })
}

function groupTable(report: UsageReport, section: ReportSection): ReportTable {
  const { timeZone } = report.period
  const { by, groups, groupCount, keyCount: totalCount = groupCount } = section
  // on an invoice a method is a column, because lines are added up by it
  const axes = report.report === 'invoice' ? by.map((one): Axis => [one]) : axesOf(by)
  const dimensions = axes.map((axis): Column => ({
    name: nameOfAxis(axis),
    title: titleOf(axis),
    kind: 'text',
  }))
  const textFor = tellApart(groups, timeZone)
  const measures = measureColumns(report, by)
  const [axis, second] = axes
  const [singular, plural] = axis && !second ? [nameOfAxis(axis), pluralOf(axis)] : ['line', 'lines']
  return {
    title: report.report === 'overview' ? OVERVIEW_TITLES[by[0] ?? 'key'] : undefined,
    columns: [...dimensions, ...measures.map(({ column }) => column)],
    rows: groups.map((group) =>
      axes.map((axis): Cell => textFor(group, axis)).concat(measures.map(({ cell }) => cell(group))),
    ),
    total: [
      `Total of ${formatCount(totalCount)} ${totalCount === 1 ? singular : plural}`,
      ...dimensions.slice(1).map(() => null),
      ...measures.map(({ cell }) => cell({ ...report.total, share: report.total.requests ? 1 : 0 })),
    ],
    ...noteRest(report, section, plural),
  }
}

/** Notes what a limit hides: for groups of time, those before the first that is shown. */
function noteRest(
  { total }: UsageReport,
  { groups, groupCount, by }: ReportSection,
  plural: string,
): Pick<ReportTable, 'note'> {
  const rest = groupCount - groups.length
  if (rest === 0) return {}
  const requests = total.requests - groups.reduce((sum, group) => sum + group.requests, 0)
  const [unit] = by
  const hidden = unit && isCalendarUnit(unit) ? `other ${plural}` : 'more'
  return {
    note: `${formatCount(rest)} ${hidden} with ${formatCount(requests)} requests: use --limit 0 to see all.`,
  }
}

/** A group that is not in the previous period is new. A total has the same columns as its groups. */
function cellOfChange({ change = null, requests, previousRequests = 0 }: Measures): Cell {
  return change === null && requests > 0 && previousRequests === 0 ? 'new' : change
}

interface MeasureColumn {
  readonly column: Column
  readonly cell: (measures: Measures & { share: number; trend?: readonly number[] | undefined }) => Cell
}

function measureColumns(report: UsageReport, by: readonly UsageDimension[]): MeasureColumn[] {
  if (report.report === 'invoice')
    return [column('requests', 'Requests', 'count', ({ requests }) => requests)]
  const compared = report.sections.some(({ groups }) => groups[0]?.change !== undefined)
  const comparable = compared && !report.previous?.historyBegins
  const timed = report.total.measured !== undefined
  // only the overview of one customer has statuses; it has the columns that a report of one key has
  const isOfCustomer =
    report.report === 'overview' && report.sections.some(({ by: [first] }) => first === 'status')
  const detailed = (report.report === 'usage' || isOfCustomer) && !timed
  const byTime = by.some(isCalendarUnit)
  return [
    column('requests', 'Requests', 'count', ({ requests }) => requests),
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

function matrixTable(report: UsageReport, { by, groups }: ReportSection): ReportTable {
  const [down = ['key'] as const, across = ['month'] as const] = axesOf(by)
  const textFor = tellApart(groups, report.period.timeZone)
  const lines = new Map<string, { text: string; cells: Map<string, number>; total: number }>()
  const sums = new Map<string, number>()
  for (const group of groups) {
    const text = textFor(group, down)
    const name = textFor(group, across)
    const id = group.key && down[0] === 'key' ? group.key.id : text
    const line = lines.get(id) ?? { text, cells: new Map<string, number>(), total: 0 }
    line.cells.set(name, (line.cells.get(name) ?? 0) + group.requests)
    line.total += group.requests
    lines.set(id, line)
    sums.set(name, (sums.get(name) ?? 0) + group.requests)
  }
  const ordered = isCalendarUnit(across[0]) || across[0] === 'status'
  const names = [...sums].sort(([a, x], [b, y]) => (ordered ? (a < b ? -1 : 1) : y - x)).map(([name]) => name)
  const rows = [...lines.values()].sort((a, b) =>
    isCalendarUnit(down[0]) ? (a.text < b.text ? -1 : 1) : b.total - a.total,
  )
  const shown = rows.reduce((sum, { total }) => sum + total, 0)
  const rest = report.total.requests - shown
  // On a narrow terminal the oldest times and the rarest values are left out first.
  const dropFirst = (index: number) => (isCalendarUnit(across[0]) ? names.length - index : index + 1)
  return {
    columns: [
      { name: nameOfAxis(down), title: `${titleOf(down)} \\ ${titleOf(across)}`, kind: 'text' },
      ...names.map((name, index): Column => ({
        name,
        title: name,
        kind: 'count',
        dropFirst: dropFirst(index),
      })),
      { name: 'total', title: 'Total', kind: 'count' },
    ],
    rows: rows.map(({ text, cells, total }) =>
      [text as Cell].concat(
        names.map((name) => cells.get(name) ?? null),
        total,
      ),
    ),
    total: [rest > 0 ? 'Total shown' : 'Total', ...names.map((name) => sums.get(name) ?? 0), shown],
    note:
      rest > 0
        ? `More ${pluralOf(down)} with ${formatCount(rest)} requests: use --limit 0 to see all.`
        : undefined,
  }
}
