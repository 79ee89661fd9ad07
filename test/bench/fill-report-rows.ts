import { openDatabase } from '../../src/store/database/open-database.ts'
import type { DatabaseKind } from '../support/databases/databases.ts'

const HOUR_MS = 3_600_000
export const KEYS = 1000
const ENDPOINTS = 200
const DAYS = 90

/** The id of a key with a number. */
const KEY_ID = (number: string): Record<DatabaseKind, string> => ({
  sqlite: `printf('%08d-0000-4000-8000-000000000000', ${number})`,
  postgresql: `(lpad((${number})::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid`,
})

/** Row `r` of key `k`: neighbours have another endpoint, and an hour has as many rows of a key as there is room for. */
const VALUES = (
  kind: DatabaseKind,
) => `60, '/v1/resource-' || ((k * 7 + r * 31) % ${ENDPOINTS}) || '/items/:id',
  case when (k * 7 + r * 31) % 5 = 0 then 'POST' else 'GET' end,
  case r % 20 when 0 then 404 when 1 then 500 when 2 then 401 else 200 end, 7 + (k * r) % 97, 1000 * (1 + (k + r) % 89),
  10 + (k + r) % 30, ${BINS[kind]}`
const COLUMNS = `api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_us,
  duration_first_bin, duration_bins`

/** Its requests took more or less the same time. */
const BINS: Record<DatabaseKind, string> = {
  sqlite: "'[' || (1 + (k * r) % 97) || ',3,0,2,1]'",
  postgresql: 'array[1 + (k * r) % 97, 3, 0, 2, 1]',
}

const FILL: Record<DatabaseKind, (rowsPerKey: number, start: number) => string[]> = {
  sqlite: (rowsPerKey, start) => [
    'drop index api_key_analytics_bucket_index',
    // in the order of the primary key, or the pages of the table would be split again and again
    `with recursive k (k) as (select 0 union all select k + 1 from k where k + 1 < ${KEYS}),
  r (r) as (select 0 union all select r + 1 from r where r + 1 < ${rowsPerKey})
insert into api_key_analytics (${COLUMNS})
select ${KEY_ID('k').sqlite}, ${start} + (r * ${DAYS * 24} / ${rowsPerKey}) * ${HOUR_MS}, ${VALUES('sqlite')}
from k cross join r`,
    'create index api_key_analytics_bucket_index on api_key_analytics (bucket)',
  ],
  postgresql: (rowsPerKey, start) => [
    'alter table api_key_analytics drop constraint api_key_analytics_pkey',
    'drop index api_key_analytics_bucket_index',
    // in the order of time, as flushes write
    `insert into api_key_analytics (${COLUMNS})
select ${KEY_ID('k').postgresql}, to_timestamp((${start} + (r::bigint * ${DAYS * 24} / ${rowsPerKey}) * ${HOUR_MS}) / 1000.0), ${VALUES('postgresql')}
from generate_series(0, ${rowsPerKey} - 1) r cross join lateral generate_series(0 * r, ${KEYS} - 1) k`,
    'alter table api_key_analytics add primary key (api_key_id, bucket, bucket_minutes, endpoint, method, status, import_id)',
    'create index api_key_analytics_bucket_index on api_key_analytics (bucket)',
    'vacuum analyze',
  ],
}

/** Fills a migrated database with rows of the last 90 days, all by SQL; gives the time of the last full hour. */
export async function fillReportRows(kind: DatabaseKind, url: string, rows: number): Promise<void> {
  const start = Math.floor(Date.now() / HOUR_MS - DAYS * 24 + 1) * HOUR_MS
  const db = await openDatabase(url)
  try {
    const [numbers, time] =
      kind === 'sqlite'
        ? [
            `(with recursive k (k) as (select 0 union all select k + 1 from k where k + 1 < ${KEYS}) select k from k)`,
            start,
          ]
        : [`generate_series(0, ${KEYS} - 1) k`, `to_timestamp(${start / 1000})`]
    await db.query(`insert into api_key_analytics_keys (id, label, name, owner, first_seen_at, last_used_at)
select ${KEY_ID('k')[kind]}, 'sk_l…' || k, 'Customer ' || k, 'owner-' || (k % 100), ${time}, ${time} from ${numbers}`)
    for (const sql of FILL[kind](Math.ceil(rows / KEYS), start)) await db.query(sql)
  } finally {
    await db.close()
  }
}
