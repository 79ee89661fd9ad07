import { MikroORM } from '@mikro-orm/postgresql'
import type { PostgreSqlConnection } from '@mikro-orm/postgresql'
import type { PoolClient } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { AnalyticsError } from '../../../model/errors.ts'
import { MIGRATIONS_TABLE, ORM_OPTIONS } from '../orm-options.ts'
import { databaseNameOf } from '../parse-database-url.ts'
import { translateError } from '../translate-error.ts'
import type { Dialect, OpenOptions, Session, Statements, TransactionMode } from '../dialect.ts'
import { POSTGRESQL_HISTOGRAM } from './postgresql-histogram.ts'

type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>

/** Long enough for a server far away, short enough for a person who waits for the error. */
const CONNECT_TIMEOUT_MS = 5000

/**
 * A pooler accepts connections that it cannot serve yet, and lets them wait for two minutes or without end. A server
 * answers a `begin` or a read of settings at once, so silence means that the pooler waits.
 */
const ANSWER_TIMEOUT_MS = 10_000

/**
 * The longest silence in one of our transactions: the time between an answer of the server and our next statement. When
 * a process is stopped or its machine is gone, the server then frees its locks, and others go on. A slow statement or a
 * slow network does not count as silence. What was cut off is rolled back and tried again.
 */
const LONGEST_SILENCE_MS = 5000

const BEGIN_TURN = `begin;
set local idle_in_transaction_session_timeout = ${LONGEST_SILENCE_MS}`

/**
 * Flushes take turns by this lock. Without it, flushes of the same rows wait for each other row by row. Each holds a
 * snapshot that keeps the server from cleaning up: four times the work per flush, and a table that grows. A session
 * that waits for a table has no snapshot yet. It sets both limits itself, because those for the statements of an app
 * could keep a large batch out without end.
 */
const BEGIN_FLUSH = `${BEGIN_TURN};
set local statement_timeout = 30000;
set local lock_timeout = 0;
lock table api_key_analytics_meta in share update exclusive mode`

const BEGIN: Record<TransactionMode, string> = {
  write: 'begin',
  turn: BEGIN_TURN,
  flush: BEGIN_FLUSH,
  snapshot: 'begin isolation level repeatable read read only',
}

/**
 * Lifts a limit that is meant for the statements of an app. Only for one transaction: a pooler then gives the
 * connection to others.
 */
const LIFT_TIMEOUT = 'set local statement_timeout = 0'

const BEGIN_COPY = `begin read only;
${LIFT_TIMEOUT}`

const TOO_MANY_CONNECTIONS = '53300'

/** The longest delay of a timer in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

const FACTS = `
select current_schema() as schema, exists (select 1 from pg_extension where extname = 'citus') as citus,
  current_setting('server_encoding') as encoding`

/** An arbitrary number of this package. */
export const MIGRATION_LOCK = 7263912548017

const HIDING_TABLES = `
select name
from unnest(array['api_key_analytics', 'api_key_analytics_quantities', 'api_key_analytics_keys',
  'api_key_analytics_owners', 'api_key_analytics_ledger', 'api_key_analytics_ledger_units', 'api_key_analytics_gaps',
  'api_key_analytics_unsealed', 'api_key_analytics_prunes', 'api_key_analytics_pruned_quantities',
  'api_key_analytics_meta', '${MIGRATIONS_TABLE}']) as name
where row_security_active(to_regclass(name))`

const COLUMNS = `
select t.name, a.attname as column_name
from json_array_elements_text($1::json) as t (name)
join pg_attribute a on a.attrelid = to_regclass(t.name)
where a.attnum > 0 and not a.attisdropped`

interface Facts {
  readonly schema: string | null
  readonly citus: boolean
  readonly encoding: string
}

/** Encodings that can hold any text. SQL_ASCII keeps the bytes unchanged, and ours are UTF-8. */
const ENCODINGS = new Set(['UTF8', 'SQL_ASCII'])

/** PostgreSQL 13 or newer. `place` is how error messages name it. */
export function postgresqlDialect(url: string, databaseLabel: string): Dialect {
  return {
    kind: 'postgresql',
    // not extract: it computes in numeric and takes twice as long per row
    millisecondsOf: (time) => `(date_part('epoch', ${time}) * 1000)::bigint`,
    timeOf: (milliseconds) => `to_timestamp(${milliseconds}::double precision / 1000)`,
    givenRows(columns, rows, first) {
      const names = Object.keys(columns)
      const arrays = Object.values(columns).map((type, index) => `$${first + index}::${type}[]`)
      return {
        sql: `unnest(${arrays.join(', ')}) with ordinality as given (${names.join(', ')}, n)`,
        params: names.map((_, index) => rows.map((row) => row[index])),
      }
    },
    // In the order in which flushes wrote them: by primary key nearly every row would be on another page.
    storedOrder: ['bucket', 'api_key_id', 'bucket_minutes', 'endpoint', 'method', 'status'],
    addWhole: (a, b) => `${a} + ${b}`,
    jsonColumn: (value) => `json_agg(${value})::text`,
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
      const orm = createOrm(url, options)
      const pool = await orm.em.getConnection().getNativeClient()
      closeFailedConnections(pool)
      const session = openSession(pool, databaseLabel, options)
      // MikroORM ends a pool only if its own statements used it
      const close = async () => {
        await orm.close()
        if (!pool.ending) await pool.end()
      }
      try {
        const { schema, citus } = await readFacts(pool, databaseLabel)
        // MikroORM looks for tables in "public" and ignores the search_path
        orm.config.set('schema', schema)
        return { orm, session, distributed: citus, close }
      } catch (error) {
        await close()
        throw error
      }
    },
  }
}

function createOrm(url: string, { maxConnections = 5, statementTimeoutMs }: OpenOptions): MikroORM {
  return new MikroORM({
    ...ORM_OPTIONS,
    dbName: databaseNameOf(url),
    // The driver parses the URL itself: MikroORM would drop its parameters (sslmode, host, options …).
    driverOptions: {
      connectionString: url,
      application_name: 'apikey-analytics',
      max: maxConnections,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: statementTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      // idle connections must not keep the process alive
      allowExitOnIdle: true,
    },
  })
}

/** @throws DATABASE_REFUSED for a database that cannot hold or find our tables */
async function readFacts(pool: Pool, databaseLabel: string): Promise<{ schema: string; citus: boolean }> {
  const [facts] = await statements(pool, databaseLabel).query<Facts>(FACTS, [], ANSWER_TIMEOUT_MS)
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

/**
 * PostgreSQL accepts no NUL in a text. Counted names have none, and a search for a name with one finds nothing, as on
 * SQLite. So a batch whose file was edited by hand is not refused because of a NUL.
 */
function replaceNul(parameter: unknown): unknown {
  if (Array.isArray(parameter)) return parameter.some(hasNul) ? parameter.map(replaceNul) : parameter
  return hasNul(parameter) ? parameter.replaceAll('\0', '\ufffd') : parameter
}

function hasNul(parameter: unknown): parameter is string {
  return typeof parameter === 'string' && parameter.includes('\0')
}

/** COPY takes no parameters, so they are quoted with the driver's own functions. */
function writeParameters(
  sql: string,
  params: readonly unknown[],
  { escapeLiteral }: { readonly escapeLiteral: (text: string) => string },
): string {
  return sql.replace(/\$(\d+)/g, (_, number) => {
    const value = replaceNul(params[Number(number) - 1])
    if (typeof value === 'string' || typeof value === 'number') return escapeLiteral(`${value}`)
    throw new AnalyticsError('INTERNAL', `Parameter $${number} of a copy is neither a text nor a number.`)
  })
}

/** Runs statements with a time limit: no answer within it counts as a lost connection. */
interface TimedStatements extends Statements {
  query<Row>(sql: string, params?: readonly unknown[], timeoutMs?: number): Promise<Row[]>
}

function statements(client: Pick<Pool, 'query'>, databaseLabel: string): TimedStatements {
  return {
    query: async (text, params = [], timeoutMs?: number) => {
      try {
        const timed = timeoutMs !== undefined && { query_timeout: timeoutMs }
        return (await client.query({ text, values: params.map(replaceNul), ...timed })).rows
      } catch (error) {
        throw translateError(error, databaseLabel)
      }
    },
  }
}

function openSession(pool: Pool, databaseLabel: string, { liftTimeout = false }: OpenOptions): Session {
  const connect = async (): Promise<PoolClient> => {
    try {
      return await pool.connect()
    } catch (error) {
      const full = (error as { code?: unknown }).code === TOO_MANY_CONNECTIONS
      if (!full || pool.totalCount === 0) throw translateError(error, databaseLabel)
      // the server allows no more connections: take turns on the open ones
      pool.options.max = pool.totalCount
      return connect()
    }
  }
  /** A connection in a new transaction. */
  const begin = async (sql: string): Promise<PoolClient> => {
    const client = await connect()
    try {
      await statements(client, databaseLabel).query(
        sql,
        [],
        sql === BEGIN_FLUSH ? undefined : ANSWER_TIMEOUT_MS,
      )
      return client
    } catch (error) {
      client.release(true)
      throw error
    }
  }
  async function* copy(sql: string, params: readonly unknown[]): AsyncGenerator<Buffer, void, undefined> {
    const client = await begin(BEGIN_COPY)
    let rows: ReturnType<typeof copyTo> | undefined
    let finished = false
    try {
      rows = copyTo(`copy (${writeParameters(sql, params, client)}) to stdout (format binary)`)
      // The driver's timer for a statement is not made for long ones, and ends them uncleanly.
      rows.query_timeout = LONGEST_TIMER_MS
      client.query(rows)
      for await (const bytes of rows) yield bytes as Buffer
      await client.query('commit')
      finished = true
    } catch (error) {
      throw translateError(error, databaseLabel)
    } finally {
      // stops that timer, which would keep the process alive
      rows?.callback?.()
      // only closing the connection stops the server from sending the rest
      client.release(!finished)
    }
  }
  const transaction: Session['transaction'] = async (run, mode = 'write') => {
    const lift = liftTimeout && mode !== 'flush'
    const client = await begin(lift ? `${BEGIN[mode]};\n${LIFT_TIMEOUT}` : BEGIN[mode])
    const tx = statements(client, databaseLabel)
    let broken = false
    let cut: unknown
    // The server may close the connection between two statements. Without a listener that would end the process.
    const onError = (error: unknown) => (cut ??= error)
    client.on('error', onError)
    try {
      const result = await run(tx)
      await tx.query('commit')
      return result
    } catch (error) {
      await tx.query('rollback', [], ANSWER_TIMEOUT_MS).catch(() => (broken = true))
      throw cut === undefined ? error : translateError(cut, databaseLabel)
    } finally {
      client.off('error', onError)
      // close a connection that cannot even roll back: the server then rolls back by itself
      client.release(broken)
    }
  }
  const single: Statements = liftTimeout
    ? { query: (sql, params) => transaction((tx) => tx.query(sql, params)) }
    : statements(pool, databaseLabel)
  return { ...single, transaction, copy, isCurrent: () => true }
}
