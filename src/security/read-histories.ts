import type { KeyRecord } from '../model/key.ts'
import type { UsageRow } from '../model/usage-row.ts'
import type { FindingSource } from './finding.ts'
import { KeyHistory } from './key-history.ts'
import type { HourCounts } from './key-history.ts'
import { HOUR_MS } from '../time/units.ts'

/** The time that the histories cover. */
export interface HistorySpan {
  readonly historySince: Date
  readonly since: Date
  readonly until: Date
  /** The first hour of the history with data in the database. */
  readonly firstBucket: Date
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
  for (let first = 0; first < keys.length; first += size) {
    yield await readChunk(source, keys.slice(first, first + size), span, hours)
  }
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
  const hourOf = ({ hour }: UsageRow) => (hour!.getTime() - span.historySince.getTime()) / HOUR_MS
  for (const row of all) addAll(counts.get(row.key!.id)!, hourOf(row), row)
  for (const row of notFound) moveNotFound(counts.get(row.key!.id)!, hourOf(row), row)
  return keys.map((key) => toHistory(key, counts.get(key.id)!, span))
}

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

function toHistory(key: KeyRecord, counts: HourCounts, span: HistorySpan): KeyHistory {
  const { historySince: origin, since, firstBucket } = span
  const indexOf = (time: Date) => Math.floor((time.getTime() - origin.getTime()) / HOUR_MS)
  // A key that is older than the history was quiet in hours without requests. A younger one did not exist yet.
  const firstUse = counts.served.findIndex(
    (_, hour) => counts.served[hour]! + counts.rejected[hour]! + counts.notFound[hour]! > 0,
  )
  const start = Math.max(indexOf(firstBucket), key.firstSeenAt < origin ? 0 : firstUse)
  return new KeyHistory({ key, counts, periodStart: indexOf(since), start, origin })
}
