import { isCalendarUnit } from '../../time/calendar.ts'
import { AnalyticsError } from '../../model/errors.ts'
import {
  groupColumns,
  haveLatency,
  IMPORT_COLUMN,
  isUnitColumn,
  LOCAL_COLUMN,
  pickColumns,
  storedColumns,
} from './export-columns.ts'
import type { ExportColumns } from './export-columns.ts'
import { exportUsage } from './export-usage.ts'
import type { TextFormat } from './export-usage.ts'
import { noteImported } from '../notes/note-imported.ts'
import { noteMove } from '../notes/note-undelivered.ts'
import { noteUnfinished } from '../notes/note-unfinished.ts'
import type { CsvSeparator } from '../render/render-csv.ts'
import { parseDimensions } from '../question/parse-filter.ts'
import { findUsage } from '../../store/read/find-usage.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findUnits } from '../../store/read/find-units.ts'
import { copyOrStreamPages } from '../../store/read/stream-pages.ts'
import type { UsagePage } from '../../store/read/usage-page.ts'
import type { StreamQuery, UsageDimension } from '../../model/usage-query.ts'
import type { SecretInput } from '../question/find-key.ts'
import { describeLine } from '../question/line-of-key.ts'
import { keepYoungSpaceSmall } from '../../store/read/keep-young-space-small.ts'
import { findFilter, requireKnownNames } from '../question/find-filter.ts'
import type { FilterText } from '../question/find-filter.ts'
import type { ProgressBar } from '../../terminal/progress-bar.ts'

/** The flags of `export`, parsed. */
export interface ExportFlags extends FilterText {
  readonly by?: readonly string[] | undefined
  readonly format: TextFormat | 'parquet'
  readonly gzip: boolean
  readonly 'csv-separator'?: CsvSeparator | undefined
  readonly columns?: readonly string[] | undefined
  readonly latency: boolean
  readonly units: boolean
}

/** The destination of an export, and its progress for people. */
export interface ExportOutput {
  readonly bar: ProgressBar
  /** Writes the pieces as fast as the destination takes them. */
  readonly write: (pieces: AsyncIterable<Buffer>) => Promise<void>
}

/** Writes the rows or groups that the flags ask for. @returns notes for people */
export async function runExport(
  db: Database,
  flags: ExportFlags,
  secretInput: SecretInput,
  { bar, write }: ExportOutput,
): Promise<readonly string[]> {
  keepYoungSpaceSmall()
  const { period, filter: found, key, line } = await findFilter(db, flags, secretInput)
  const { since, until, timeZone } = period
  const filter = { ...found, since, until }
  const by = parseDimensions(flags.by, 3)
  const wanted = flags.units || (flags.columns ?? []).some(isUnitColumn)
  const units = wanted ? await findUnits(db) : []
  const stored = pickColumns(storedColumns(timeZone, units), {
    ...flags,
    names: by ? undefined : flags.columns,
  })
  const grouped = pickColumns(groupColumns(by ?? [], timeZone, units), {
    ...flags,
    names: by ? flags.columns : undefined,
  })
  const columns = [...(by ? grouped : stored).keys()]
  checkExportFlags(flags, by, columns)
  const latency = haveLatency(columns)
  const withUnits = columns.some(isUnitColumn)
  const named = filter.endpoint !== undefined || filter.owner !== undefined
  // it is a sum over all rows, so compute it only when somebody sees it
  const [total] = named || bar.isShown ? await findUsage(db, filter) : []
  if (named && !total) await requireKnownNames(db, filter)
  const render = await chooseRenderer(flags)
  const pieces = by
    ? render(
        one(findUsage(db, { ...filter, by, timeZone, sort: 'group', latency, units: withUnits })),
        grouped,
      )
    : render(
        counted(
          db,
          { ...filter, latency, units: withUnits, imports: columns.includes(IMPORT_COLUMN) },
          total?.requestCount ?? 0,
          bar,
        ),
        stored,
      )
  await write(pieces)
  return [
    ...(await noteMove(db)),
    ...(key && line ? [describeLine(key, line)] : []),
    ...noteUnfinished(period),
    ...(await noteImported(db, filter)),
  ]
}

type Renderer = <Page>(pages: AsyncIterable<Page>, columns: ExportColumns<Page>) => AsyncIterable<Buffer>

async function chooseRenderer({ format, 'csv-separator': separator }: ExportFlags): Promise<Renderer> {
  if (format === 'parquet') return (await import('./render-parquet.ts')).renderParquet
  return (pages, columns) => exportUsage(pages, columns, format, separator)
}

/** @throws WRONG_USAGE for flags that have no effect */
function checkExportFlags(
  flags: ExportFlags,
  by: readonly UsageDimension[] | undefined,
  columns: readonly string[],
): void {
  if (flags['csv-separator'] !== undefined && flags.format !== 'csv') {
    throw new AnalyticsError('WRONG_USAGE', '--csv-separator needs --format csv.')
  }
  if (flags.gzip && flags.format === 'parquet') {
    throw new AnalyticsError('WRONG_USAGE', 'A Parquet file is compressed already: leave --gzip out.')
  }
  if (flags['no-links'] && flags.key === undefined && !by?.includes('key')) {
    throw new AnalyticsError('WRONG_USAGE', '--no-links changes exports of a --key or by key: leave it out.')
  }
  const reads = flags.since ?? flags.until ?? flags.month
  const hasTime = by?.some(isCalendarUnit) || columns.some((name) => LOCAL_COLUMN.test(name))
  if (flags.tz !== 'UTC' && reads === undefined && !hasTime) {
    throw new AnalyticsError('WRONG_USAGE', 'There is no time in this export: leave --tz out.')
  }
}

async function* counted(
  db: Database,
  query: StreamQuery,
  total: number,
  bar: ProgressBar,
): AsyncGenerator<UsagePage> {
  let count = 0
  for await (const page of copyOrStreamPages(db, query)) {
    yield page
    for (const requests of page.requestCount) count += requests
    bar.update(total ? Math.min(1, count / total) : 1, count)
  }
}

async function* one<T>(value: Promise<T>): AsyncGenerator<T> {
  yield await value
}
