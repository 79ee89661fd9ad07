import { formatInstant, isCalendarUnit } from '../../time/calendar.ts'
import type { CalendarUnit } from '../../time/calendar.ts'
import { AnalyticsError } from '../../model/errors.ts'
import type { UsagePage } from '../../store/read/usage-page.ts'
import { didYouMean, suggest } from '../../model/suggest.ts'
import type { UsageDimension } from '../../model/usage-query.ts'
import type { UsageQuantity, UsageRow } from '../../model/usage-row.ts'
import type { CsvValue } from '../render/render-csv.ts'

/** The columns of an export, each with the values of a page of rows. */
export type ExportColumns<Page> = ReadonlyMap<string, (page: Page) => readonly CsvValue[]>

/** Enough for the hours of a year. */
const TIMES_REMEMBERED = 10_000

/** Columns that are read only when asked for; null when no duration was measured. */
const LATENCY_COLUMNS = ['measuredCount', 'p50Us', 'p95Us', 'p99Us'] as const

/** The column with the id of the newest key of the line of a row's key; only when it is named. */
const LINE_COLUMN = 'keyLine'
/** The number of the import that brought a row, 0 for a counted one; only when named. */
export const IMPORT_COLUMN = 'importId'

/** The columns of a unit: its requests, and their quantity. */
export const unitColumns = (unit: string): string[] => [`${unit}RequestCount`, `${unit}Quantity`]

/** Whether a name may be that of a column of a unit, which is read only when asked for. */
export const isUnitColumn = (name: string): boolean => /^[a-z][a-z0-9_]*(RequestCount|Quantity)$/.test(name)

/** The name of a column with local times of the time zone. */
export const LOCAL_COLUMN = /Local$/

/** Columns of stored rows, one line per key, bucket, endpoint, method and status. */
export function storedColumns(timeZone: string, units: readonly string[]): ExportColumns<UsagePage> {
  return new Map<string, (page: UsagePage) => readonly CsvValue[]>([
    ['keyId', ({ key }) => key.map(({ keyId }) => keyId)],
    ['keyLabel', ({ key }) => key.map(({ keyLabel }) => keyLabel)],
    ['keyName', ({ key }) => key.map(({ keyName }) => keyName)],
    ['keyOwner', ({ key }) => key.map(({ keyOwner }) => keyOwner)],
    [LINE_COLUMN, ({ key }) => key.map(({ keyId, keyLine }) => keyLine ?? keyId)],
    ['bucket', ({ bucket }) => bucket],
    ...localColumn('bucket', ({ bucket }: UsagePage) => bucket, timeZone),
    ['bucketMinutes', ({ bucketMinutes }) => bucketMinutes],
    ['method', ({ method }) => method],
    ['endpoint', ({ endpoint }) => endpoint],
    ['status', ({ status }) => status],
    ['requestCount', ({ requestCount }) => requestCount],
    ['durationUs', ({ durationUs }) => durationUs],
    ...LATENCY_COLUMNS.map((name): [string, (page: UsagePage) => readonly CsvValue[]] => [
      name,
      ({ latency = [] }) => latency.map((one) => one?.[name] ?? null),
    ]),
    ...units.flatMap((unit) => readUnit(unit, ({ quantities = [] }: UsagePage) => quantities)),
    [IMPORT_COLUMN, ({ importId = [] }) => importId],
  ])
}

/** The columns of a unit; null where a row has none of it. */
function readUnit<Page>(
  unit: string,
  read: (page: Page) => readonly (readonly UsageQuantity[])[],
): [string, (page: Page) => readonly CsvValue[]][] {
  const [requestCount, quantity] = unitColumns(unit)
  const find = (page: Page) => read(page).map((row) => row.find((one) => one.unit === unit))
  return [
    [requestCount!, (page) => find(page).map((one) => one?.requestCount ?? null)],
    [quantity!, (page) => find(page).map((one) => one?.quantity ?? null)],
  ]
}

/** A local time in a time zone other than UTC. Neighbours with the same time share one text. */
function localColumn<Page>(
  name: string,
  read: (page: Page) => readonly (Date | null)[],
  timeZone: string,
  unit?: CalendarUnit,
): [string, (page: Page) => readonly CsvValue[]][] {
  if (timeZone === 'UTC') return []
  const known = new Map<number, string>()
  const format = (time: Date): string => {
    const text = known.get(time.getTime()) ?? formatInstant(time, timeZone, unit)
    if (known.size >= TIMES_REMEMBERED) known.clear()
    known.set(time.getTime(), text)
    return text
  }
  return [[`${name}Local`, (page) => read(page).map((time) => time && format(time))]]
}

/** Columns of groups: the dimensions, then the sums. */
export function groupColumns(
  by: readonly UsageDimension[],
  timeZone: string,
  units: readonly string[],
): ExportColumns<readonly UsageRow[]> {
  const columns = new Map<string, (rows: readonly UsageRow[]) => readonly CsvValue[]>()
  const add = (name: string, read: (row: UsageRow) => CsvValue) => columns.set(name, (rows) => rows.map(read))
  const addTime = (name: string, read: (row: UsageRow) => Date | null, unit?: CalendarUnit) => {
    add(name, read)
    const local = localColumn(name, (rows: readonly UsageRow[]) => rows.map(read), timeZone, unit)
    for (const [localName, readLocal] of local) columns.set(localName, readLocal)
  }
  for (const dimension of by) {
    if (dimension === 'key') {
      add('keyId', ({ key }) => key?.id ?? null)
      add('keyLabel', ({ key }) => key?.label ?? null)
      add('keyName', ({ key }) => key?.name ?? null)
      add('keyOwner', ({ key }) => key?.owner ?? null)
      add('keyCount', ({ key }) => key?.keyCount ?? 1)
    } else if (isCalendarUnit(dimension)) addTime(dimension, (row) => row[dimension] ?? null, dimension)
    else add(dimension, (row) => row[dimension] ?? null)
  }
  for (const name of [
    'requestCount',
    'clientErrorCount',
    'serverErrorCount',
    'rejectedCount',
    'durationUs',
  ] as const) {
    add(name, (row) => row[name])
  }
  for (const name of ['firstBucket', 'lastBucket'] as const) addTime(name, (row) => row[name])
  for (const name of LATENCY_COLUMNS) add(name, ({ latency }) => latency?.[name] ?? null)
  for (const unit of units) {
    const ofUnit = readUnit(unit, (rows: readonly UsageRow[]) =>
      rows.map(({ quantities = [] }) => quantities),
    )
    for (const [name, read] of ofUnit) columns.set(name, read)
  }
  return columns
}

/** Whether any of these is a column of durations. */
export function haveLatency(names: Iterable<string>): boolean {
  return [...names].some((name) => (LATENCY_COLUMNS as readonly string[]).includes(name))
}

/**
 * Only the named columns, in that order; without names all but those of lines, durations, units and imports. `latency`
 * adds the durations, `units` those of units.
 * @throws WRONG_USAGE for an unknown name
 */
export function pickColumns<Page>(
  columns: ExportColumns<Page>,
  { names, latency, units }: { names: readonly string[] | undefined; latency: boolean; units: boolean },
): ExportColumns<Page> {
  const isWanted = (name: string) =>
    name !== LINE_COLUMN &&
    name !== IMPORT_COLUMN &&
    (latency || !haveLatency([name])) &&
    (units || !isUnitColumn(name))
  if (!names) return new Map([...columns].filter(([name]) => isWanted(name)))
  const ofUnits = units ? [...columns.keys()].filter(isUnitColumn) : []
  const wanted = new Set([...names, ...(latency ? LATENCY_COLUMNS : []), ...ofUnits])
  return new Map(
    [...wanted].map((name) => {
      const read = columns.get(name)
      if (read) return [name, read]
      const near = didYouMean(suggest(name, columns.keys()))
      const all = [...columns.keys()].join(', ')
      throw new AnalyticsError('WRONG_USAGE', `There is no column "${name}".${near} Columns: ${all}.`)
    }),
  )
}
