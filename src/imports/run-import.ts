import type { Readable } from 'node:stream'
import { faultPoint } from '../model/fault-point.ts'
import { nameMethod } from '../capture/endpoint/name-method.ts'
import { cleanName } from '../model/clean-text.ts'
import { AnalyticsError } from '../model/errors.ts'
import type { ImportedRow } from '../model/imported-row.ts'
import { OTHER_METHOD } from '../model/operation.ts'
import { formatCount } from '../terminal/format-number.ts'
import { keepYoungSpaceSmall } from '../store/read/keep-young-space-small.ts'
import { parseInstant, parseTimeZone } from '../time/period.ts'
import type { Database } from '../store/database/open-database.ts'
import { findStoredOfPeriod } from '../store/imports/find-imports.ts'
import type { StoredOfPeriod } from '../store/imports/find-imports.ts'
import { loadImport, refuseSameFile } from '../store/imports/load-import.ts'
import { requirePepper } from '../store/read/require-pepper.ts'
import { DAY_MS } from '../time/units.ts'
import type { ProgressBar } from '../terminal/progress-bar.ts'
import { createReadGivenKey } from './read/read-given-key.ts'
import { openImportFile } from './read/open-import-file.ts'
import type { ImportFile } from './read/open-import-file.ts'
import { planImport } from './plan-import.ts'
import type { ImportPlan } from './plan-import.ts'
import { readRows } from './read/read-rows.ts'
import type { ReadOptions } from './read/read-rows.ts'
import type { BucketName } from './read/read-time.ts'
import { renderDone, renderPlan } from './render-import.ts'

/** The flags of `import`, parsed. */
export interface ImportFlags {
  readonly as?: string | undefined
  readonly columns?: readonly string[] | undefined
  readonly bucket?: BucketName | undefined
  readonly tz?: string | undefined
  readonly day?: string | undefined
  readonly method?: string | undefined
  readonly status?: number | undefined
  readonly overlap: boolean
  readonly 'dry-run': boolean
}

/** What an import needs besides its flags. */
export interface ImportInput {
  readonly path: string
  readonly stdin: Readable
  readonly pepper: string | undefined
  readonly bar: ProgressBar
  readonly signal?: AbortSignal | undefined
  readonly now?: number
}

const DEFAULT_STATUS = 200
/** How often an import is tried: a server may choose it to end a deadlock. */
const TRIES = 3

/** Imports a file, or says what would be imported. @throws WRONG_USAGE, and then nothing was changed */
export async function runImport(
  db: Database,
  flags: ImportFlags,
  input: ImportInput,
): Promise<{ text: string; notes: readonly string[]; result: object }> {
  keepYoungSpaceSmall()
  const options = readOptions(flags, input)
  if (flags.columns?.some((column) => column.startsWith('secret='))) await requirePepper(db, input.pepper)
  const file = await openImportFile(input.path, input.stdin)
  try {
    const name = cleanName(flags.as ?? '') || file.name
    const plan = await readThrough(db, file, options, input)
    await refuseSameFile(db, plan.totals.sha256)
    const stored = await findStoredOfPeriod(db, plan.totals)
    requireUsedFlags(flags, plan)
    const notes = noteOverlap(stored)
    const about = { name, databaseLabel: db.databaseLabel, options, plan }
    if (flags['dry-run'])
      return { text: renderPlan(about), notes, result: toResult(name, plan, stored, null) }
    if (!flags.overlap) refuseOverlap(stored)
    const importId = await load(db, file, { name, plan, options }, input)
    return { text: renderDone(about, importId), notes, result: toResult(name, plan, stored, importId) }
  } catch (error) {
    throw input.signal?.aborted ? interrupted(error) : error
  } finally {
    await file.close()
  }
}

/** Half of the bar is for reading, half for storing; without storing all of it. */
async function readThrough(
  db: Database,
  file: ImportFile,
  options: ReadOptions,
  { bar, signal }: ImportInput,
): Promise<ImportPlan> {
  return planImport(db, file, options, {
    onRead: (bytes, rows) => bar.update(bytes / file.bytes / 2, rows),
    signal,
  })
}

async function load(
  db: Database,
  file: ImportFile,
  { name, plan, options }: { name: string; plan: ImportPlan; options: ReadOptions },
  { bar, signal }: ImportInput,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    let rows = 0
    const text = file.read((bytes) => bar.update(0.5 + bytes / file.bytes / 2, rows))
    const count = (added: number) => (rows += added)
    try {
      const importId = await loadImport(db, {
        name,
        totals: plan.totals,
        rows: rowsOf(text.pieces, options, count),
        hash: () => text.hash(),
        now: options.now,
        signal,
      })
      faultPoint('import committed')
      return importId
    } catch (error) {
      const isBusy = error instanceof AnalyticsError && error.code === 'DATABASE_BUSY'
      if (!isBusy || attempt === TRIES) throw error
    }
  }
}

async function* rowsOf(
  pieces: AsyncIterable<string>,
  options: ReadOptions,
  count: (rows: number) => void,
): AsyncGenerator<readonly ImportedRow[]> {
  for await (const { rows } of readRows(pieces, options)) {
    yield rows
    count(rows.length)
  }
}

function readOptions(flags: ImportFlags, { pepper, now = Date.now() }: ImportInput): ReadOptions {
  const { columns, bucket = 'hour', tz = 'UTC', day, method, status = DEFAULT_STATUS } = flags
  if (status < 100 || status > 599) {
    throw new AnalyticsError('WRONG_USAGE', `--status ${status} is no HTTP status. Use one from 100 to 599.`)
  }
  const start = day === undefined ? undefined : parseInstant(day, 'UTC', new Date(now)).getTime()
  if (start !== undefined && (start % DAY_MS !== 0 || !/^\d/.test(day!) || start > now)) {
    throw new AnalyticsError('WRONG_USAGE', `--day ${day} is no day of the past. Use one such as 2026-10-31.`)
  }
  if (columns === undefined && (flags.bucket ?? flags.tz) !== undefined) {
    throw new AnalyticsError('WRONG_USAGE', '--bucket and --tz are for files with --columns.')
  }
  if (day !== undefined && (flags.bucket ?? flags.tz) !== undefined) {
    throw new AnalyticsError('WRONG_USAGE', '--day is a whole UTC day: leave --bucket and --tz out.')
  }
  return {
    columns,
    bucket,
    timeZone: parseTimeZone(tz),
    day: start,
    method: method === undefined ? OTHER_METHOD : nameMethod(method.toUpperCase()),
    status,
    readKey: createReadGivenKey(pepper),
    names: new Map(),
    now,
  }
}

/** @throws WRONG_USAGE for flags without an effect */
function requireUsedFlags({ day, method, status }: ImportFlags, { totals }: ImportPlan): void {
  if (totals.format === 'export' && (day ?? method ?? status) !== undefined) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      'An export of apikey-analytics has times, methods and statuses: leave --day, --method and --status out.',
    )
  }
}

function noteOverlap(stored: StoredOfPeriod): string[] {
  const found = describeStored(stored)
  return found === undefined ? [] : [`${found} What both have counts twice.`]
}

/** @throws WRONG_USAGE when there is anything in the period of a file */
function refuseOverlap(stored: StoredOfPeriod): void {
  const found = describeStored(stored)
  if (found === undefined) return
  throw new AnalyticsError(
    'WRONG_USAGE',
    `${found} What both have would count twice. Nothing was imported: import only the time before, or pass --overlap if the file has other requests than these.`,
  )
}

function describeStored({ counted, imports }: StoredOfPeriod): string | undefined {
  const parts = [
    ...(counted
      ? [
          `${formatCount(counted.requests)} counted requests from ${counted.first.toISOString().slice(0, 16)}Z on`,
        ]
      : []),
    ...imports.map((one) => `import ${one.import} (${one.name})`),
  ]
  return parts.length === 0 ? undefined : `In the time of this file the database has ${parts.join(' and ')}.`
}

function toResult(name: string, plan: ImportPlan, stored: StoredOfPeriod, importId: number | null): object {
  const { since, until, quantities, ...totals } = plan.totals
  return {
    import: importId,
    name,
    ...totals,
    quantities: Object.fromEntries([...quantities].map(([unit, quantity]) => [unit, String(quantity)])),
    since: new Date(since),
    until: new Date(until),
    keys: plan.keys,
    overlap: { counted: stored.counted, imports: stored.imports.map((one) => one.import) },
    done: importId !== null,
  }
}

function interrupted(cause: unknown): AnalyticsError {
  return new AnalyticsError('DATABASE_FAILED', 'Interrupted. Nothing was imported.', { cause })
}
