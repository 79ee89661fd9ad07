import { chunksOf } from '../model/chunks-of.ts'
import { AnalyticsError } from '../model/errors.ts'
import type { ImportedRow } from '../model/imported-row.ts'
import { nameOfKey } from '../report/usage/group-names.ts'
import type { Database } from '../store/database/open-database.ts'
import { findStoredKeys } from '../store/imports/find-imports.ts'
import type { ImportTotals } from '../store/imports/load-import.ts'
import { MINUTE_MS } from '../time/units.ts'
import type { ImportFile } from './read/open-import-file.ts'
import { readRows } from './read/read-rows.ts'
import type { ReadOptions } from './read/read-rows.ts'
import { refuseLine } from './read/refuse-line.ts'

/** The keys of a file. */
export interface ImportedKeys {
  readonly count: number
  /** True when there are more than were looked at. */
  readonly isMore: boolean
  readonly newCount: number
  /** The first new ones, as people see them. */
  readonly newNames: readonly string[]
}

/** What a file has. */
export interface ImportPlan {
  readonly totals: ImportTotals
  readonly keys: ImportedKeys
}

/** The file is read in bounded memory, so only so many keys are told apart. */
const MOST_KEYS = 200_000
const CHUNK_KEYS = 1000
const MOST_NAMES = 5
/** The most that a column of the database holds, and below it what is left for sums. */
const MOST_SUM = 2n ** 63n - 1n

/** Reads a whole file and changes nothing. `onRead` is called with the bytes and rows that were read. @throws WRONG_USAGE */
export async function planImport(
  db: Database,
  file: ImportFile,
  options: ReadOptions,
  { onRead, signal }: { onRead: (bytes: number, rows: number) => void; signal?: AbortSignal | undefined },
): Promise<ImportPlan> {
  const sums = new Sums()
  const keys = new Keys(db)
  const text = file.read((bytes) => onRead(bytes, sums.rows))
  let format: ImportTotals['format'] = 'csv'
  for await (const page of readRows(text.pieces, options)) {
    signal?.throwIfAborted()
    format = page.format
    for (const row of page.rows) sums.add(row)
    await keys.add(page.rows)
  }
  if (sums.rows === 0) {
    const what = format === 'drf-simple-apikey' ? 'no object of the model ApiKeyAnalytics' : 'no rows'
    throw new AnalyticsError('WRONG_USAGE', `${file.name} has ${what}. Nothing was imported.`)
  }
  const { rows, requests, since, until, quantities } = sums
  if (requests === 0 && quantities.size === 0) {
    throw new AnalyticsError('WRONG_USAGE', `${file.name} has no requests. Nothing was imported.`)
  }
  const totals = { format, sha256: text.hash(), since, until, rows, requests, quantities }
  return { totals, keys: await keys.finish() }
}

/** The sums over all rows. */
class Sums {
  rows = 0
  requests = 0
  since = Number.POSITIVE_INFINITY
  until = Number.NEGATIVE_INFINITY
  #durationUs = 0
  readonly quantities = new Map<string, bigint>()

  add({ line, bucket, bucketMinutes, requestCount, durationUs, quantities }: ImportedRow): void {
    this.rows += 1
    this.requests += requestCount
    this.#durationUs += durationUs
    this.since = Math.min(this.since, bucket)
    this.until = Math.max(this.until, bucket + bucketMinutes * MINUTE_MS)
    if (!Number.isSafeInteger(this.requests)) throw tooMany(line, 'requests', '2^53')
    if (this.#durationUs > 2 ** 62) throw tooMany(line, 'durations', '2^62')
    for (const { unit, quantity } of quantities) {
      const sum = (this.quantities.get(unit) ?? 0n) + quantity
      if (sum > MOST_SUM) throw tooMany(line, unit, '2^63')
      this.quantities.set(unit, sum)
    }
  }
}

function tooMany(line: number, what: string, most: string): AnalyticsError {
  return refuseLine(line, `the sum of all ${what} up to it is ${most} or more, which a database cannot hold.`)
}

/** Counts keys, and which of them are new. */
class Keys {
  readonly #db: Database
  readonly #seen = new Set<string>()
  #unknown = new Map<string, string>()
  #newCount = 0
  readonly #newNames: string[] = []
  #isMore = false

  constructor(db: Database) {
    this.#db = db
  }

  async add(rows: readonly ImportedRow[]): Promise<void> {
    for (const { key } of rows) {
      if (this.#seen.has(key.id)) continue
      this.#isMore ||= this.#seen.size === MOST_KEYS
      if (this.#isMore) continue
      this.#seen.add(key.id)
      this.#unknown.set(key.id, nameOfKey(key))
    }
    if (this.#unknown.size >= CHUNK_KEYS) await this.#lookUp()
  }

  async #lookUp(): Promise<void> {
    const ids = [...this.#unknown.keys()]
    for (const some of chunksOf(ids, CHUNK_KEYS)) {
      const stored = await findStoredKeys(this.#db, some)
      const added = some.filter((id) => !stored.has(id))
      this.#newCount += added.length
      const names = added.slice(0, MOST_NAMES - this.#newNames.length)
      this.#newNames.push(...names.map((id) => this.#unknown.get(id)!))
    }
    this.#unknown = new Map()
  }

  async finish(): Promise<ImportedKeys> {
    await this.#lookUp()
    return {
      count: this.#seen.size,
      isMore: this.#isMore,
      newCount: this.#newCount,
      newNames: this.#newNames,
    }
  }
}
