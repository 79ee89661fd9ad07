import { AnalyticsError } from '../../../src/model/errors.ts'
import { UNMEASURED_BIN } from '../../../src/model/duration-bins.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import type { Batch, BucketMinutes } from '../../../src/model/batch.ts'
import type { UsageStore } from '../../../src/store/usage-store.ts'
import { makeBatch } from './make-batch.ts'

/** A row to be written; what is left out is what tests care about least. */
export interface RowToFill {
  readonly key: number
  readonly bucket: number
  readonly minutes?: number
  readonly endpoint?: string
  readonly method?: string
  readonly status?: number
  readonly requests?: number
  readonly durationUs?: number
  /** What all its requests together used of them. */
  readonly tokens?: number
}

/** The id of the test key with a number, in the order of numbers. */
export function keyIdOf(key: number): string {
  return `${String(key).padStart(8, '0')}-0000-4000-8000-000000000000`
}

/** Writes keys (labels `key-1` …, names and owners as given). */
export async function fillKeys(
  db: Database,
  keys: readonly { key: number; label?: string; name?: string | null; owner?: string | null; at?: number }[],
): Promise<void> {
  const time = db.dialect.timeOf('$5')
  for (const { key, label = `key-${key}`, name = null, owner = null, at = 0 } of keys) {
    await db.query(
      `insert into api_key_analytics_keys (id, label, name, owner, first_seen_at, last_used_at)
values ($1, $2, $3, $4, ${time}, ${time}) on conflict do nothing`,
      [keyIdOf(key), label, name, owner, at],
    )
  }
}

/** Adds rows straight into the table; their durations were not measured. */
export async function fillUsage(db: Database, rows: readonly RowToFill[]): Promise<void> {
  const given = db.dialect.givenRows(COLUMNS, rows.map(toFields), 1)
  await db.query(
    `insert into api_key_analytics
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_us,
   duration_first_bin, duration_bins)
select api_key_id, ${db.dialect.timeOf('bucket')}, bucket_minutes, endpoint, method, status, requests, duration_us,
  ${UNMEASURED_BIN}, ${db.dialect.histogram.fromJson(`'[' || requests || ']'`)}
from ${given.sql}`,
    given.params,
  )
  await fillTokens(
    db,
    rows.filter(({ tokens }) => tokens !== undefined),
  )
}

async function fillTokens(db: Database, rows: readonly RowToFill[]): Promise<void> {
  if (rows.length === 0) return
  const fields = rows.map((row) => [...toFields(row), row.tokens])
  const given = db.dialect.givenRows({ ...COLUMNS, tokens: 'bigint' }, fields, 1)
  await db.query(
    `insert into api_key_analytics_quantities
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, unit, request_count, quantity)
select api_key_id, ${db.dialect.timeOf('bucket')}, bucket_minutes, endpoint, method, status, 'tokens', requests, tokens
from ${given.sql}`,
    given.params,
  )
}

const COLUMNS = {
  api_key_id: 'uuid',
  bucket: 'bigint',
  bucket_minutes: 'smallint',
  endpoint: 'text',
  method: 'text',
  status: 'smallint',
  requests: 'bigint',
  duration_us: 'bigint',
}

function toFields(row: RowToFill): unknown[] {
  const { key, bucket, minutes = 60, endpoint = '/', method = 'GET', status = 200, requests = 1 } = row
  return [keyIdOf(key), bucket, minutes, endpoint, method, status, requests, row.durationUs ?? requests]
}

/** Delivers rows as a flusher does: one batch per bucket and width, each tried again until it is in. */
export async function deliverUsage(store: UsageStore, rows: readonly RowToFill[]): Promise<void> {
  const buckets = Map.groupBy(rows, ({ bucket, minutes = 60 }) => `${bucket} ${minutes}`)
  for (const group of buckets.values()) await deliver(store, toBatch(group))
}

async function deliver(store: UsageStore, batch: Batch): Promise<void> {
  try {
    await store.recordBatch(batch)
  } catch (error) {
    if (error instanceof AnalyticsError && error.code === 'BATCH_REFUSED') throw error
    await deliver(store, batch)
  }
}

function toBatch(rows: readonly RowToFill[]): Batch {
  const keys = new Set(rows.map(({ key }) => key))
  return makeBatch({
    bucket: rows[0]!.bucket,
    bucketMinutes: (rows[0]!.minutes ?? 60) as BucketMinutes,
    identities: Object.fromEntries([...keys].map((key) => [key, { id: keyIdOf(key), label: `key-${key}` }])),
    rows: rows.map(({ key, endpoint = '/', requests = 1 }) => {
      return { key: String(key), keyId: keyIdOf(key), endpoint, requestCount: requests, durationUs: requests }
    }),
  })
}
