import { endsBy } from '../read/ends-by.ts'
import type { Database } from '../database/open-database.ts'
import { pruneOwners } from './prune-owners.ts'
import { removeRows } from './remove-rows.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterRows, ofEveryKey, requireTime, timeParameter } from '../read/usage-filter.ts'

/** Which rows to prune: those that end by `before`, of all keys or of the given ones. */
export interface PruneOptions {
  readonly before: Date
  readonly keyIds?: readonly string[] | undefined
}

/** The progress of a long operation. */
export interface Progress {
  readonly rows: number
  readonly requests: number
  /** 0 to 1, by the time span of the rows. */
  readonly done: number
}

/** Counts what `pruneUsage` would delete, and its time span; null when there is nothing. */
export async function countPrunable(
  db: Database,
  { before, keyIds }: PruneOptions,
): Promise<{ rows: number; requests: number; from: Date | null; to: Date | null }> {
  const { dialect } = db
  const parameters = new SqlParameters()
  const condition = writePrunable(db, { before, keyIds }, parameters)
  const end = `${dialect.millisecondsOf('t.bucket')} + t.bucket_minutes * 60000`
  const [found] = await db.query<{
    rows: string
    requests: string
    first: string | null
    last: string | null
  }>(
    `select count(*) as rows, coalesce(sum(t.request_count), 0) as requests,
  ${dialect.millisecondsOf('min(t.bucket)')} as first, max(${end}) as last
from api_key_analytics t
where ${condition}`,
    parameters.values,
  )
  const time = (milliseconds: string | null | undefined): Date | null =>
    milliseconds === null || milliseconds === undefined ? null : new Date(Number(milliseconds))
  return {
    rows: Number(found?.rows),
    requests: Number(found?.requests),
    from: time(found?.first),
    to: time(found?.last),
  }
}

/** Whether quantities would be deleted: those that came after their request was counted may be all that is left. */
export async function hasPrunableQuantities(db: Database, options: PruneOptions): Promise<boolean> {
  const parameters = new SqlParameters()
  const condition = writePrunable(db, options, parameters)
  const sql = `select 1 from api_key_analytics_quantities t where ${condition} limit 1`
  return (await db.query(sql, parameters.values)).length > 0
}

function writePrunable(
  { dialect }: Database,
  { before, keyIds }: PruneOptions,
  parameters: SqlParameters,
): string {
  const filter = filterRows(dialect, { keyIds }, parameters)
  return `${filter} and ${ofEveryKey(dialect)} and ${endsBy(dialect, timeParameter(dialect, before, parameters))}`
}

/**
 * Deletes every row that ends by `before`, in bounded transactions that log what they removed. After an abort or a
 * crash the totals are right, and the next run continues where it stopped. Owners of the pruned time are removed too.
 * Rejects with the signal's reason.
 */
export async function pruneUsage(
  db: Database,
  {
    before,
    keyIds,
    onProgress,
    signal,
  }: PruneOptions & { readonly onProgress?: (progress: Progress) => void; readonly signal?: AbortSignal },
): Promise<{ rows: number; requests: number }> {
  const end = requireTime(before)
  const share = await measureProgress(db, end)
  const total = { rows: 0, requests: 0 }
  const keys = keyIds ?? [null]
  for (const [index, keyId] of keys.entries()) {
    await removeRows(db, {
      action: 'prune',
      before: end,
      keyId,
      signal,
      onRemoved: ({ rows, requests, upTo }) => {
        total.rows += rows
        total.requests += requests
        onProgress?.({ ...total, done: (index + share(upTo ?? end)) / keys.length })
      },
    })
    await pruneOwners(db, end, keyId)
  }
  return total
}

/** The share of the time from the first bucket to `end` that lies before a moment: 0 to 1. */
export async function measureProgress(db: Database, end: number): Promise<(moment: number) => number> {
  const first = db.dialect.millisecondsOf('(select min(bucket) from api_key_analytics)')
  const [found] = await db.query<{ first: string | null }>(`select ${first} as first`)
  const start = Number(found?.first ?? end)
  return (moment) => (start < end ? Math.min(1, Math.max(0, (moment - start) / (end - start))) : 1)
}
