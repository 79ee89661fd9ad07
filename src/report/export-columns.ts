import { AnalyticsError } from '../errors.ts'
import type { UsagePage } from '../store/usage-page.ts'
import { didYouMean, suggest } from '../suggest.ts'
import type { UsageDimension, UsageRow } from '../usage.ts'
import type { CsvValue } from './render-csv.ts'

/** The columns of an export, each with the values of a page of rows. */
export type ExportColumns<Page> = ReadonlyMap<string, (page: Page) => readonly CsvValue[]>

/** Columns that are read only when asked for; null when no duration was measured. */
export const LATENCY_COLUMNS = ['measuredCount', 'p50Us', 'p95Us', 'p99Us'] as const

/** Columns of stored rows, one line per key, bucket, endpoint, method and status. */
export const STORED_COLUMNS: ExportColumns<UsagePage> = new Map<
  string,
  (page: UsagePage) => readonly CsvValue[]
>([
  ['keyId', ({ key }) => key.map(({ keyId }) => keyId)],
  ['keyLabel', ({ key }) => key.map(({ keyLabel }) => keyLabel)],
  ['keyName', ({ key }) => key.map(({ keyName }) => keyName)],
  ['keyOwner', ({ key }) => key.map(({ keyOwner }) => keyOwner)],
  ['bucket', ({ bucket }) => bucket],
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
])

/** Columns of groups: the dimensions, then the sums. */
export function groupColumns(by: readonly UsageDimension[]): ExportColumns<readonly UsageRow[]> {
  const columns = new Map<string, (rows: readonly UsageRow[]) => readonly CsvValue[]>()
  const add = (name: string, read: (row: UsageRow) => CsvValue) => columns.set(name, (rows) => rows.map(read))
  for (const dimension of by) {
    if (dimension === 'key') {
      add('keyId', ({ key }) => key?.id ?? null)
      add('keyLabel', ({ key }) => key?.label ?? null)
      add('keyName', ({ key }) => key?.name ?? null)
      add('keyOwner', ({ key }) => key?.owner ?? null)
    } else add(dimension, (row) => row[dimension] ?? null)
  }
  for (const name of [
    'requestCount',
    'clientErrorCount',
    'serverErrorCount',
    'rejectedCount',
    'durationUs',
    'firstBucket',
    'lastBucket',
  ] as const) {
    add(name, (row) => row[name])
  }
  for (const name of LATENCY_COLUMNS) add(name, ({ latency }) => latency?.[name] ?? null)
  return columns
}

/** Whether any column of durations is among these. */
export function haveLatency(names: Iterable<string>): boolean {
  return [...names].some((name) => (LATENCY_COLUMNS as readonly string[]).includes(name))
}

/**
 * Only the columns named, in that order; without names all, those of durations with `latency`.
 * @throws WRONG_USAGE for one that does not exist
 */
export function pickColumns<Page>(
  columns: ExportColumns<Page>,
  { names, latency }: { names: readonly string[] | undefined; latency: boolean },
): ExportColumns<Page> {
  if (!names) return latency ? columns : new Map([...columns].filter(([name]) => !haveLatency([name])))
  return new Map(
    names.map((name) => {
      const read = columns.get(name)
      if (read) return [name, read]
      const near = didYouMean(suggest(name, columns.keys()))
      const all = [...columns.keys()].join(', ')
      throw new AnalyticsError('WRONG_USAGE', `There is no column "${name}".${near} Columns: ${all}.`)
    }),
  )
}
