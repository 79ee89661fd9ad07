import { readClosedPeriods } from '../billing/closed-periods.ts'
import type { ClosedPeriod } from '../billing/closed-periods.ts'
import { lockStatements } from '../billing/lock-statements.ts'
import { histogramOf } from '../database/histogram.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { lockRows } from './lock-rows.ts'
import { logRemoval } from './log-removal.ts'
import type { Database } from '../database/open-database.ts'
import { USAGE_TABLES } from '../database/usage-tables.ts'
import { inDayOfTransfer } from '../read/owner-of-rows.ts'
import { measureProgress } from './prune-usage.ts'
import type { Progress } from './prune-usage.ts'
import { rollUpQuantities } from './roll-up-quantities.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { requireTime } from '../read/usage-filter.ts'
import { moveInSums } from '../write/owner-sums.ts'
import { takeTurn } from '../write/take-turn.ts'
import { DAY_MS } from '../../time/units.ts'

/** Rows per transaction; takes about as long as a chunk of a prune, because it writes fewer rows than it deletes. */
const CHUNK_ROWS = 10_000

/** The result of a roll-up: hour and minute rows before, day rows after, and their requests. */
export interface RolledUp {
  readonly rowsBefore: number
  readonly rowsAfter: number
  readonly requests: number
}

/** Part of one UTC day: the rows of one key, or of the keys after one key, up to another. */
interface Chunk {
  readonly keyId: string | undefined
  readonly day: number
  readonly after: string | undefined
  readonly upTo: string | undefined
  /** When this chunk is done, all days before this time are rolled up. */
  readonly doneBefore: number
}

/**
 * Merges hour and minute rows, of all keys or of one, into UTC day rows, for all UTC days that end by `before`. No
 * total changes, and rows of different imports stay apart. Rows of a day on which their key changed its owner stay unchanged, and those of a day that contains the
 * border of a closed period: a day row would hide it. Works in bounded transactions that log what they merged: after an
 * abort or a crash, the next run continues where it stopped. Rejects with the signal's reason.
 */
export async function rollUpUsage(
  db: Database,
  {
    before,
    keyId,
    onProgress,
    signal,
  }: {
    readonly before: Date
    readonly keyId?: string | undefined
    readonly onProgress?: (progress: Progress) => void
    readonly signal?: AbortSignal
  },
): Promise<RolledUp> {
  const end = Math.floor(requireTime(before) / DAY_MS) * DAY_MS
  const share = await measureProgress(db, end)
  const total = { rowsBefore: 0, rowsAfter: 0, requests: 0 }
  let logId: number | undefined
  for await (const chunk of findChunks(db, end, keyId)) {
    signal?.throwIfAborted()
    const merged = await runBoundedWrite(db, async (tx) => {
      await lockStatements(tx, db, 'remove')
      const isCut = findCutDays(await readClosedPeriods(tx, db.dialect)).includes(chunk.day)
      if (isCut) return { rowsBefore: 0, rowsAfter: 0, requests: 0, logId }
      await takeTurn(tx, db)
      const chosen = writeChunkCondition(db.dialect, chunk)
      await moveInSums(tx, db.dialect, chosen, db.dialect.timeOf(String(chunk.day)))
      const { rowsBefore: rows, ...merged } = await mergeRows(tx, db, chunk)
      const quantities = await rollUpQuantities(tx, db, chunk.day, chosen)
      // a day with nothing left to merge
      if (rows + quantities === 0 && logId === undefined) return { ...merged, rowsBefore: rows, logId }
      const log = {
        action: 'roll up' as const,
        before: chunk.doneBefore,
        keyId: keyId ?? null,
        rows,
        requests: merged.requests,
      }
      return { ...merged, rowsBefore: rows, logId: await logRemoval(tx, db.dialect, logId, log) }
    })
    logId = merged.logId
    total.rowsBefore += merged.rowsBefore
    total.rowsAfter += merged.rowsAfter
    total.requests += merged.requests
    onProgress?.({ rows: total.rowsBefore, requests: total.requests, done: share(chunk.doneBefore) })
  }
  return total
}

/** Yields the days that have rows to merge. A day with many keys is several chunks. */
async function* findChunks(db: Database, end: number, keyId: string | undefined): AsyncGenerator<Chunk> {
  let day = await findDay(db, 0, end, keyId)
  while (day !== undefined) {
    const next: number | undefined = await findDay(db, day + DAY_MS, end, keyId)
    let after: string | undefined
    do {
      const upTo = await findLastKey(db, { keyId, day, after, upTo: undefined })
      yield { keyId, day, after, upTo, doneBefore: upTo === undefined ? (next ?? end) : day }
      after = upTo
    } while (after !== undefined)
    day = next
  }
}

/** The first day from `start` on that has rows to merge. */
async function findDay(
  db: Database,
  start: number,
  end: number,
  keyId: string | undefined,
): Promise<number | undefined> {
  // quantities that came after their requests were counted may be all that a day has
  const first = (table: string) => `select ${db.dialect.millisecondsOf('t.bucket')} as bucket
from ${table} t
where t.bucket >= ${db.dialect.timeOf('$1')} and t.bucket < ${db.dialect.timeOf('$2')} and t.bucket_minutes < 1440
  ${keyId === undefined ? '' : 'and t.api_key_id = $3'}
order by t.bucket
limit 1`
  const params = keyId === undefined ? [start, end] : [start, end, keyId]
  const days: number[] = []
  for (const table of USAGE_TABLES) {
    const [found] = await db.query<{ bucket: string }>(first(table), params)
    if (found) days.push(Math.floor(Number(found.bucket) / DAY_MS) * DAY_MS)
  }
  return days.length > 0 ? Math.min(...days) : undefined
}

/** The key that fills a chunk; undefined when the rest of the day is one chunk. */
async function findLastKey(db: Database, rest: Omit<Chunk, 'doneBefore'>): Promise<string | undefined> {
  const { condition, params } = writeChunkCondition(db.dialect, rest)
  const [found] = await db.query<{ api_key_id: string }>(
    `select t.api_key_id
from api_key_analytics t
where ${condition}
order by t.api_key_id
limit 1 offset ${CHUNK_ROWS - 1}`,
    params,
  )
  return found?.api_key_id
}

function writeChunkCondition(
  dialect: Dialect,
  chunk: Omit<Chunk, 'doneBefore'>,
): { condition: string; params: unknown[] } {
  const parameters = new SqlParameters()
  const time = (milliseconds: number): string => dialect.timeOf(parameters.add(milliseconds))
  const conditions = [
    `t.bucket >= ${time(chunk.day)} and t.bucket < ${time(chunk.day + DAY_MS)} and t.bucket_minutes < 1440`,
    `not ${inDayOfTransfer(dialect, chunk.day)}`,
  ]
  if (chunk.keyId !== undefined) conditions.push(`t.api_key_id = ${parameters.add(chunk.keyId)}`)
  if (chunk.after !== undefined) conditions.push(`t.api_key_id > ${parameters.add(chunk.after)}`)
  if (chunk.upTo !== undefined) conditions.push(`t.api_key_id <= ${parameters.add(chunk.upTo)}`)
  return { condition: conditions.join(' and '), params: parameters.values }
}

async function mergeRows(tx: Statements, db: Database, chunk: Chunk): Promise<RolledUp> {
  const { dialect, distributed } = db
  const { condition, params } = writeChunkCondition(dialect, chunk)
  const day = dialect.timeOf(String(chunk.day))
  await lockRows(tx, db, condition, params)
  if (dialect.kind === 'postgresql' && !distributed) {
    // One statement, because a flush could add rows between two. On Citus, which cannot do this in one, writers wait.
    const [merged] = await tx.query<Record<keyof RolledUp, string>>(
      `with merged as (
  delete from api_key_analytics as t where ${condition} returning *
), days as (${mergeInto(dialect, day, 'merged t', 'true')} returning 1)
select (select count(*) from merged) as "rowsBefore", (select count(*) from days) as "rowsAfter",
  (select coalesce(sum(request_count), 0) from merged) as requests`,
      params,
    )
    return { ...toNumbers(merged!) }
  }
  const days = await tx.query(
    `${mergeInto(dialect, day, 'api_key_analytics t', condition)} returning 1`,
    params,
  )
  const merged = await tx.query<{ request_count: number | string }>(
    `delete from api_key_analytics as t where ${condition} returning request_count`,
    params,
  )
  const requests = merged.reduce((sum, row) => sum + Number(row.request_count), 0)
  return { rowsBefore: merged.length, rowsAfter: days.length, requests }
}

/** The starts of UTC days that contain a border of a closed period. */
export function findCutDays(closed: readonly ClosedPeriod[]): number[] {
  const borders = closed
    .flatMap(({ since, until }) => [since, until])
    .filter((border) => border % DAY_MS !== 0)
  return [...new Set(borders.map((border) => Math.floor(border / DAY_MS) * DAY_MS))]
}

function mergeInto({ histogram }: Dialect, day: string, rows: string, condition: string): string {
  // materialized: Citus can trim only sums that are already merged on one server
  const bins = histogram.trim('m.bins')
  const merged = histogram.merge(histogramOf('d'), histogramOf('excluded'))
  return `
insert into api_key_analytics as d
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_us,
   duration_first_bin, duration_bins, import_id)
with m as materialized (
  select t.api_key_id, t.endpoint, t.method, t.status, t.import_id, sum(t.request_count) as request_count,
    sum(t.duration_us) as duration_us, ${histogram.sum(histogramOf('t'))} as bins
  from ${rows}
  where ${condition}
  group by t.api_key_id, t.endpoint, t.method, t.status, t.import_id
)
select api_key_id, ${day}, 1440, endpoint, method, status, request_count, duration_us, ${bins.first}, ${bins.bins},
  import_id
from m
where true
order by api_key_id, endpoint, method, status, import_id
on conflict (api_key_id, bucket, bucket_minutes, endpoint, method, status, import_id) do update set
  request_count = d.request_count + excluded.request_count,
  duration_us = d.duration_us + excluded.duration_us,
  duration_first_bin = ${merged.first},
  duration_bins = ${merged.bins}
`
}

function toNumbers({ rowsBefore, rowsAfter, requests }: Record<keyof RolledUp, string>): RolledUp {
  return { rowsBefore: Number(rowsBefore), rowsAfter: Number(rowsAfter), requests: Number(requests) }
}
