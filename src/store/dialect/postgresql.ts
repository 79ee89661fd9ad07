import { MikroORM } from '@mikro-orm/postgresql'
import type { PostgreSqlConnection } from '@mikro-orm/postgresql'
import { to as copyTo } from 'pg-copy-streams'
import { AnalyticsError } from '../../errors.ts'
import { MIGRATIONS_TABLE, ORM_OPTIONS } from '../orm-options.ts'
import { translateError } from '../translate-error.ts'
import type { Dialect, OpenOptions, Session, Statements, TransactionMode } from './dialect.ts'
import { POSTGRESQL_HISTOGRAM } from './postgresql-histogram.ts'

type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>

/** Long enough for a server far away, short enough to be told while somebody still watches. */
const CONNECT_TIMEOUT_MS = 5000

/**
 * A process that is stopped, or whose machine is gone, holds its locks no longer than this, and the next one goes on.
 * It is the longest time between an answer of the server and our next statement, so a slow statement or a slow network
 * does not count, only silence. What was cut off is rolled back and tried again.
 */
const LONGEST_SILENCE_MS = 5000

const BEGIN_TURN = `begin;
set local idle_in_transaction_session_timeout = ${LONGEST_SILENCE_MS}`

/**
 * Flushers of the same rows would wait for each other row by row, each with a snapshot that keeps the server from
 * cleaning up: four times the work per flush, and a table that grows. Whoever waits for a table has no snapshot yet.
 */
const BEGIN_FLUSH = `${BEGIN_TURN};
lock table api_key_analytics_meta in share update exclusive mode`

const BEGIN: Record<TransactionMode, string> = {
  write: 'begin',
  turn: BEGIN_TURN,
  flush: BEGIN_FLUSH,
  snapshot: 'begin isolation level repeatable read read only',
}

/** A limit that suits statements of an app does not suit a whole export. */
const BEGIN_COPY = `begin read only;
set local statement_timeout = 0`
/** The longest that a timer of Node can be set to. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

const FACTS = `
select current_schema() as schema, exists (select 1 from pg_extension where extname = 'citus') as citus`

/** PostgreSQL 13 or newer. `place` is how error messages name it. */
export function postgresqlDialect(url: string, place: string): Dialect {
  return {
    kind: 'postgresql',
    // not extract: that computes in numeric and takes twice as long per row
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
    // as flushes wrote them: by the primary key nearly every row would be on another page
    storedOrder: ['bucket', 'api_key_id', 'bucket_minutes', 'endpoint', 'method', 'status'],
    jsonColumn: (value) => `json_agg(${value})::text`,
    histogram: POSTGRESQL_HISTOGRAM,
    migrationLock: 'select pg_advisory_xact_lock(7263912548017)',
    migrationsTable: `create table if not exists ${MIGRATIONS_TABLE} (
  id serial primary key,
  name varchar(255) not null,
  executed_at timestamptz not null default current_timestamp
)`,
    async open(options) {
      const orm = createOrm(url, options)
      const pool = await orm.em.getConnection().getNativeClient()
      const session = openSession(pool, place)
      // MikroORM ends only a pool that its own statements have used
      const close = async () => {
        await orm.close()
        if (!pool.ending) await pool.end()
      }
      try {
        const [row] = await session.query<{ schema: string | null; citus: boolean }>(FACTS)
        // MikroORM would keep its list of migrations in "public" whatever the search_path says
        orm.config.set('schema', row?.schema ?? 'public')
        return { orm, session, distributed: row?.citus ?? false, close }
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
    dbName: decodeURIComponent(new URL(url).pathname.slice(1)),
    // the driver reads the URL itself: MikroORM would drop its parameters (sslmode, host, options …)
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

/** PostgreSQL takes no NUL in a text; a name to look for may have one, and is then found nowhere, as on SQLite. */
function replaceNul(parameter: unknown): unknown {
  return typeof parameter === 'string' ? parameter.replaceAll('\0', '\ufffd') : parameter
}

/** COPY takes no parameters, so the driver's own quoting writes them into the statement. */
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

function openSession(pool: Pool, place: string): Session {
  const statements = (client: Pick<Pool, 'query'>): Statements => ({
    query: async (sql, params = []) => {
      try {
        return (await client.query(sql, params.map(replaceNul))).rows
      } catch (error) {
        throw translateError(error, place)
      }
    },
  })
  const connect = () =>
    pool.connect().catch((error: unknown) => {
      throw translateError(error, place)
    })
  async function* copy(sql: string, params: readonly unknown[]): AsyncGenerator<Buffer, void, undefined> {
    const client = await connect()
    let rows: ReturnType<typeof copyTo> | undefined
    let finished = false
    try {
      rows = copyTo(`copy (${writeParameters(sql, params, client)}) to stdout (format binary)`)
      // the driver's clock for a statement is not made for one that goes on for long, and ends it uncleanly
      rows.query_timeout = LONGEST_TIMER_MS
      await client.query(BEGIN_COPY)
      client.query(rows)
      for await (const bytes of rows) yield bytes as Buffer
      await client.query('commit')
      finished = true
    } catch (error) {
      throw translateError(error, place)
    } finally {
      // stops that clock, which would keep the process alive
      rows?.callback?.()
      // only a connection that is closed stops sending in the middle
      client.release(!finished)
    }
  }
  const transaction: Session['transaction'] = async (run, mode = 'write') => {
    const client = await connect()
    const tx = statements(client)
    let broken = false
    let cut: unknown
    // the server may end the connection between two statements; without a listener that would end the process
    const onError = (error: unknown) => (cut ??= error)
    client.on('error', onError)
    try {
      await tx.query(BEGIN[mode])
      const result = await run(tx)
      await tx.query('commit')
      return result
    } catch (error) {
      await tx.query('rollback').catch(() => (broken = true))
      throw cut === undefined ? error : translateError(cut, place)
    } finally {
      client.off('error', onError)
      // a connection that cannot even roll back is closed: the server then rolls back by itself
      client.release(broken)
    }
  }
  return { ...statements(pool), transaction, copy, isCurrent: () => true }
}
