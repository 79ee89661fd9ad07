import { chunksOf } from '../model/chunks-of.ts'
import type { KeyRecord } from '../model/key.ts'
import type { UsageQuery } from '../model/usage-query.ts'
import type { UsageRow } from '../model/usage-row.ts'
import type { FindingSource } from './finding.ts'
import { KeyHistory } from './key-history.ts'
import type { HourCounts } from './key-history.ts'
import { UnitHistory } from './unit-history.ts'
import { HOUR_MS } from '../time/units.ts'

/** The time that the histories cover. */
export interface HistorySpan {
  readonly historySince: Date
  readonly since: Date
  readonly until: Date
  /** The first hour of the history with data in the database. */
  readonly firstBucket: Date
  /** The units that were used in the period. */
  readonly units: readonly ActiveUnit[]
}

/** A unit that was used in the period. */
export interface ActiveUnit {
  readonly unit: string
  /** The first hour of the history in which any key used it; the period when it is new. */
  readonly firstBucket: Date
  /** Ids of the keys that used it in the period. */
  readonly keyIds: ReadonlySet<string>
}

/** Limits the memory: hours read at a time, over all keys of a chunk. */
const CHUNK_HOURS = 20_000

/** Reads the hours of keys, some keys at a time. */
export async function* readHistories(
  source: FindingSource,
  keys: readonly KeyRecord[],
  span: HistorySpan,
): AsyncGenerator<readonly KeyHistory[]> {
  const hours = Math.ceil((span.until.getTime() - span.historySince.getTime()) / HOUR_MS)
  const size = Math.max(1, Math.floor(CHUNK_HOURS / hours))
  for (const some of chunksOf(keys, size)) yield await readChunk(source, some, span, hours)
}

async function readChunk(
  source: FindingSource,
  keys: readonly KeyRecord[],
  span: HistorySpan,
  hours: number,
): Promise<KeyHistory[]> {
  const query = {
    keyIds: keys.map(({ id }) => id),
    since: span.historySince,
    until: span.until,
    by: ['key', 'hour'] as const,
  }
  const all = await source.findUsage(query)
  const notFound = await source.findUsage({ ...query, status: [404, 405] })
  const counts = new Map(keys.map(({ id }) => [id, emptyCounts(hours)]))
  const hourOf = hourOfRows(span)
  for (const row of all) addAll(counts.get(row.key!.id)!, hourOf(row), row)
  for (const row of notFound) moveNotFound(counts.get(row.key!.id)!, hourOf(row), row)
  const units = await readUnits(source, query, span)
  return keys.map((key) => toHistory(key, counts.get(key.id)!, span, units))
}

/** The rows of a unit, by key. */
type UnitRows = ActiveUnit & { readonly rows: ReadonlyMap<string, readonly UsageRow[]> }

async function readUnits(
  source: FindingSource,
  query: UsageQuery & { readonly keyIds: readonly string[] },
  { units }: HistorySpan,
): Promise<UnitRows[]> {
  const found: UnitRows[] = []
  for (const used of units) {
    const keyIds = query.keyIds.filter((id) => used.keyIds.has(id))
    const rows = keyIds.length > 0 ? await source.findUsage({ ...query, keyIds, unit: used.unit }) : []
    found.push({ ...used, rows: Map.groupBy(rows, ({ key }) => key!.id) })
  }
  return found
}

const hourOfRows =
  ({ historySince }: HistorySpan) =>
  ({ hour }: UsageRow): number =>
    (hour!.getTime() - historySince.getTime()) / HOUR_MS

function emptyCounts(hours: number): HourCounts {
  const zeros = () => new Float64Array(hours)
  return { served: zeros(), rejected: zeros(), notFound: zeros(), failed: zeros() }
}

function addAll(counts: HourCounts, hour: number, row: UsageRow): void {
  counts.served[hour] = row.requestCount - row.rejectedCount
  counts.rejected[hour] = row.rejectedCount
  counts.failed[hour] = row.clientErrorCount + row.serverErrorCount - row.rejectedCount
}

function moveNotFound({ served, notFound, failed }: HourCounts, hour: number, row: UsageRow): void {
  notFound[hour] = row.requestCount
  served[hour]! -= row.requestCount
  failed[hour]! -= row.requestCount
}

function toHistory(
  key: KeyRecord,
  counts: HourCounts,
  span: HistorySpan,
  units: readonly UnitRows[],
): KeyHistory {
  const { historySince: origin, since, firstBucket } = span
  const indexOf = (time: Date) => Math.floor((time.getTime() - origin.getTime()) / HOUR_MS)
  // A key that is older than the history was quiet in hours without requests. A younger one did not exist yet.
  const firstUse = counts.served.findIndex(
    (_, hour) => counts.served[hour]! + counts.rejected[hour]! + counts.notFound[hour]! > 0,
  )
  const start = Math.max(indexOf(firstBucket), key.firstSeenAt < origin ? 0 : firstUse)
  const periodStart = indexOf(since)
  const parts = { key, periodStart, origin, length: counts.served.length, hourOf: hourOfRows(span) }
  return new KeyHistory({
    ...parts,
    counts,
    start,
    units: units.flatMap(({ unit, firstBucket: first, rows }) => {
      const ofKey = rows.get(key.id)
      return ofKey ? [new UnitHistory(unit, ofKey, { ...parts, start: Math.max(start, indexOf(first)) })] : []
    }),
  })
}
