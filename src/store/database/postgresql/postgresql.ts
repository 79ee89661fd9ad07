import { Pool, TypeOverrides, types as parsers } from 'pg'
import { AnalyticsError } from '../../../model/errors.ts'
import { MIGRATIONS_TABLE } from '../migrations/migration-names.ts'
import { databaseNameOf } from '../../../options/parse-database-url.ts'
import type { Dialect, OpenOptions } from '../dialect.ts'
import { POSTGRESQL_HISTOGRAM } from './postgresql-histogram.ts'
import { ANSWER_TIMEOUT_MS, openPostgresqlSession } from './postgresql-session.ts'
import { runOn } from './run-statements.ts'

/** Long enough for a server far away, short enough for a person who waits for the error. */
const CONNECT_TIMEOUT_MS = 5000

const FACTS = `
select current_schema() as schema, exists (select 1 from pg_extension where extname = 'citus') as citus,
  current_setting('server_encoding') as encoding`

/** An arbitrary number of this package. */
export const MIGRATION_LOCK = 7263912548017

const HIDING_TABLES = `
select t.name
from json_array_elements_text($1::json) as t (name)
where row_security_active(to_regclass(t.name))`

const COLUMNS = `
select t.name, a.attname as column_name
from json_array_elements_text($1::json) as t (name)
join pg_attribute a on a.attrelid = to_regclass(t.name)
where a.attnum > 0 and not a.attisdropped`

/** Types by their numbers in `pg_type`: date, timestamp, timestamptz and interval, and lists of each. */
const TIMES = [
  { text: 1082, list: 1182 },
  { text: 1114, list: 1115 },
  { text: 1184, list: 1185 },
  { text: 1186, list: 1187 },
]
const TEXT_LIST: number = 1009

interface Facts {
  readonly schema: string | null
  readonly citus: boolean
  readonly encoding: string
}

/** Encodings that can hold any text. SQL_ASCII keeps the bytes unchanged, and ours are UTF-8. */
const ENCODINGS = new Set(['UTF8', 'SQL_ASCII'])

// not extract: it computes in numeric and takes twice as long per row
const millisecondsOf = (time: string): string => `(date_part('epoch', ${time}) * 1000)::bigint`
const timeOf = (milliseconds: string): string => `to_timestamp(${milliseconds}::double precision / 1000)`

/** PostgreSQL 13 or newer. `databaseLabel` is its name in messages. */
export function postgresqlDialect(url: string, databaseLabel: string): Dialect {
  return {
    kind: 'postgresql',
    millisecondsOf,
    timeOf,
    dayOfMonth: (milliseconds) =>
      `date_part('day', to_timestamp((${milliseconds})::double precision / 1000) at time zone 'UTC')`,
    givenRows(columns, rows, first) {
      const names = Object.keys(columns)
      const arrays = Object.values(columns).map((type, index) => `$${first + index}::${type}[]`)
      return {
        sql: `unnest(${arrays.join(', ')}) with ordinality as given (${names.join(', ')}, n)`,
        params: names.map((_, index) => rows.map((row) => row[index])),
      }
    },
    // In the order in which flushes wrote them: by primary key nearly every row would be on another page.
    storedOrder: ['bucket', 'api_key_id', 'bucket_minutes', 'endpoint', 'method', 'status', 'import_id'],
    addWhole: (a, b) => `${a} + ${b}`,
    jsonColumn: (value) => `json_agg(${value})::text`,
    textOf(column, type) {
      if (type.endsWith('[]')) return `array_to_json(${column})::text`
      if (type === 'boolean') return `${column}::int::text`
      return type.startsWith('timestamptz') ? `${millisecondsOf(column)}::text` : `${column}::text`
    },
    valueOf(text, type) {
      if (type.endsWith('[]')) return `translate(${text}, '[]', '{}')::${type}`
      if (type === 'boolean') return `${text}::int::boolean`
      return type.startsWith('timestamptz') ? timeOf(text) : `${text}::${type}`
    },
    empty: (tables) => [`truncate ${tables.join(', ')}`],
    continueNumbers: (table, column) =>
      `select setval(pg_get_serial_sequence('${table}', '${column}'), (select coalesce(max(${column}), 0) + 1 from ${table}), false)`,
    histogram: POSTGRESQL_HISTOGRAM,
    hidingTables: HIDING_TABLES,
    columns: COLUMNS,
    migrationLock: {
      take: `select pg_try_advisory_xact_lock(${MIGRATION_LOCK}) as taken`,
      holder: `
select pid
from pg_locks
where locktype = 'advisory' and granted and (classid::bigint << 32) + objid::bigint = ${MIGRATION_LOCK}
  and database = (select oid from pg_database where datname = current_database())`,
    },
    migrationsTable: `create table if not exists ${MIGRATIONS_TABLE} (
  id serial primary key,
  name varchar(255) not null,
  executed_at timestamptz(6) not null default current_timestamp(6)
)`,
    async open(options) {
      const pool = openPool(url, options)
      const session = openPostgresqlSession(pool, databaseLabel, options)
      const close = async () => {
        if (!pool.ending) await pool.end()
      }
      try {
        const { schema, citus } = await readFacts(pool, databaseLabel, options)
        return {
          connections: { kind: 'postgresql', pool, databaseName: databaseNameOf(url), schema },
          session,
          distributed: citus,
          close,
        }
      } catch (error) {
        await close()
        throw error
      }
    },
  }
}

function openPool(url: string, { maxConnections = 5, statementTimeoutMs }: OpenOptions): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: 'apikey-analytics',
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: statementTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // idle connections must not keep the process alive
    allowExitOnIdle: true,
    types: timesAsText(),
  })
  // A lost connection fails the statement that uses it. Without listeners it would also end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  closeFailedConnections(pool)
  return pool
}

/** Dates and times as their text, and lists of them as lists of texts: what MikroORM reads. */
function timesAsText(): TypeOverrides {
  const types = new TypeOverrides()
  for (const { text, list } of TIMES) {
    types.setTypeParser(text, (value: string) => value)
    types.setTypeParser(list, parsers.getTypeParser(TEXT_LIST))
  }
  return types
}

/** @throws DATABASE_REFUSED for a database that cannot hold or find our tables */
async function readFacts(
  pool: Pool,
  databaseLabel: string,
  { answerTimeoutMs = ANSWER_TIMEOUT_MS }: OpenOptions,
): Promise<{ schema: string; citus: boolean }> {
  const [facts] = await runOn(pool, databaseLabel).query<Facts>(FACTS, [], answerTimeoutMs)
  const { schema, citus, encoding } = facts!
  if (!ENCODINGS.has(encoding)) {
    throw new AnalyticsError(
      'DATABASE_REFUSED',
      `${databaseLabel} has the encoding ${encoding}, which cannot hold every text that is counted. Make another database: create database … encoding 'UTF8' template template0.`,
    )
  }
  if (schema === null) {
    throw new AnalyticsError(
      'DATABASE_REFUSED',
      `The search_path names no schema of ${databaseLabel} that this role may use. Grant usage on the schema with the tables, or correct the search_path.`,
    )
  }
  return { schema, citus }
}

type Callback = (error?: Error) => void
type Connecting = new () => {
  readonly connection: { readonly stream: { destroy(): void } }
  connect(callback: Callback): void
}

/**
 * pg 8.23 leaves the socket open when it gives up by itself, for example without a password. The process would stay
 * alive, and the server would wait until its authentication_timeout.
 */
function closeFailedConnections(pool: Pool): void {
  const opened = pool as unknown as { Client: Connecting }
  opened.Client = class extends opened.Client {
    override connect(callback: Callback): void {
      super.connect((error, ...rest) => {
        if (error) this.connection.stream.destroy()
        callback(error, ...rest)
      })
    }
  }
}
