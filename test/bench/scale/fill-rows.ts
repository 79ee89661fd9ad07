import type { DatabaseKind } from '../../support/databases/databases.ts'
import { openDatabase } from '../../../src/store/database/open-database.ts'

const HOUR_MS = 3_600_000
const HOURS = 90 * 24
export const KEYS = 1000
/** The key with one row in each of the last 720 hours, whatever the size of the table. */
export const STEADY_KEY = 999_999
const STEADY_HOURS = 30 * 24

/** The id of a key with a number. */
export function keyId(number: number): string {
  return `${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`
}

/** Columns of row `r` of key `k` beside key and bucket: neighbours have another endpoint. */
const GRID = `60, '/v1/resource-' || ((k * 7 + r * 31) % 200) || '/items/:id',
  case when (k * 7 + r * 31) % 5 = 0 then 'POST' else 'GET' end,
  case r % 20 when 0 then 404 when 1 then 500 when 2 then 401 else 200 end, 1 + (k * r) % 97, 1000 * (1 + (k + r) % 89)`
const STEADY = `60, '/v1/steady', 'GET', 200, 10, 15000`

const INSERT = `insert into api_key_analytics
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_us,
   duration_first_bin, duration_bins)`
/** Four bins per row, as a steady endpoint has. */
const BINS: Record<DatabaseKind, string> = {
  sqlite: "20, '[1,5,3,1]'",
  postgresql: "20, '{1,5,3,1}'::bigint[]",
}

const FILL: Record<DatabaseKind, (rowsPerKey: number, start: number) => string[]> = {
  sqlite: (rowsPerKey, start) => [
    'drop index api_key_analytics_bucket_index',
    `insert into api_key_analytics_keys (id, label, name, owner, first_seen_at, last_used_at)
with recursive k (k) as (select 0 union all select k + 1 from k where k + 1 < ${KEYS})
select printf('%08d-0000-4000-8000-000000000000', n), 'sk_l…' || n, 'Customer ' || n, 'owner-' || (n % 100), ${start}, ${start}
from (select k as n from k union all select ${STEADY_KEY})`,
    // in the order of the primary key, or the pages of the table would be split again and again
    `${INSERT}
with recursive k (k) as (select 0 union all select k + 1 from k where k + 1 < ${KEYS}),
  r (r) as (select 0 union all select r + 1 from r where r + 1 < ${rowsPerKey})
select printf('%08d-0000-4000-8000-000000000000', k), ${start} + (r * ${HOURS} / ${rowsPerKey}) * ${HOUR_MS}, ${GRID}, ${BINS.sqlite}
from k cross join r`,
    `${INSERT}
with recursive h (h) as (select ${HOURS - STEADY_HOURS} union all select h + 1 from h where h + 1 < ${HOURS})
select '${keyId(STEADY_KEY)}', ${start} + h * ${HOUR_MS}, ${STEADY}, ${BINS.sqlite} from h`,
    'create index api_key_analytics_bucket_index on api_key_analytics (bucket)',
    'pragma wal_checkpoint(truncate)',
  ],
  postgresql: (rowsPerKey, start) => [
    'alter table api_key_analytics drop constraint api_key_analytics_pkey',
    'drop index api_key_analytics_bucket_index',
    `insert into api_key_analytics_keys (id, label, name, owner, first_seen_at, last_used_at)
select (lpad(n::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid, 'sk_l…' || n, 'Customer ' || n, 'owner-' || (n % 100),
  to_timestamp(${start / 1000}), to_timestamp(${start / 1000})
from (select generate_series(0, ${KEYS} - 1) as n union all select ${STEADY_KEY}) numbers`,
    // hour by hour, as flushes write: the rows of one key are then far from each other
    `do $$ begin
  for h in 0 .. ${HOURS - 1} loop
    ${INSERT}
    select (lpad(k::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid, to_timestamp(${start / 1000} + h * 3600), ${GRID}, ${BINS.postgresql}
    from generate_series(0, ${KEYS - 1}) k cross join generate_series(
      ceil(h::numeric * ${rowsPerKey} / ${HOURS})::int, ceil((h + 1)::numeric * ${rowsPerKey} / ${HOURS})::int - 1) r;
    if h >= ${HOURS - STEADY_HOURS} then
      ${INSERT} values ('${keyId(STEADY_KEY)}', to_timestamp(${start / 1000} + h * 3600), ${STEADY}, ${BINS.postgresql});
    end if;
  end loop;
end $$`,
    'alter table api_key_analytics add primary key (api_key_id, bucket, bucket_minutes, endpoint, method, status, import_id)',
    'create index api_key_analytics_bucket_index on api_key_analytics (bucket)',
    'vacuum analyze',
    'checkpoint',
  ],
}

/** Every row has this unit. */
export const UNIT = 'tokens'
const QUANTITIES = `insert into api_key_analytics_quantities
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, unit, request_count, quantity)
select api_key_id, bucket, bucket_minutes, endpoint, method, status, '${UNIT}', request_count, request_count * 7
from api_key_analytics
order by api_key_id, bucket, bucket_minutes, endpoint, method, status`

/**
 * Fills a migrated database with `rows` rows of 1000 keys in the 90 days before the hour `now`, evenly, and with the
 * steady key; `withUnits` gives each row a quantity.
 */
export async function fillRows(
  kind: DatabaseKind,
  { url, rows, now, withUnits }: { url: string; rows: number; now: number; withUnits: boolean },
): Promise<void> {
  const db = await openDatabase(url)
  try {
    for (const sql of FILL[kind](Math.ceil(rows / KEYS), now - HOURS * HOUR_MS)) await db.query(sql)
    if (withUnits) await db.query(QUANTITIES)
    if (withUnits && kind === 'postgresql') await db.query('vacuum analyze api_key_analytics_quantities')
  } finally {
    await db.close()
  }
}
