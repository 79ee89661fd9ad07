import { text } from 'node:stream/consumers'
import { parseDatabaseUrl } from '../database/parse-database-url.ts'
import { findNames } from './find-names.ts'
import type { NameQuestion, RunStatement } from './find-names.ts'
import { NAMES_LIMIT_MS } from './names-limit.ts'

/**
 * A process of its own: it is killed when it takes too long, whatever it waits for. It uses the drivers directly, because
 * MikroORM alone takes longer to load than a person waits for a completion.
 */
const { database, ...question } = JSON.parse(await text(process.stdin)) as NameQuestion & {
  readonly database: string
}
const address = parseDatabaseUrl(database)
const read = address.kind === 'sqlite' ? readSqlite(address.path) : readPostgresql(address.url)
process.stdout.write(JSON.stringify(await read(question)))

type Read = (question: NameQuestion) => ReturnType<typeof findNames>

function readSqlite(path: string): Read {
  return async (question) => {
    const { default: Sqlite } = await import('better-sqlite3')
    const file = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: NAMES_LIMIT_MS })
    // `$1` is a named parameter to SQLite, called "1"
    const run: RunStatement = async (sql, [start]) =>
      file.prepare(sql).all(...(start === undefined ? [] : [{ 1: start }])) as Awaited<
        ReturnType<RunStatement>
      >
    try {
      return await findNames(run, question)
    } finally {
      file.close()
    }
  }
}

function readPostgresql(url: string): Read {
  return async (question) => {
    const { default: pg } = await import('pg')
    const client = new pg.Client({
      connectionString: url,
      application_name: 'apikey-analytics',
      connectionTimeoutMillis: NAMES_LIMIT_MS,
    })
    await client.connect()
    try {
      // in the transaction and not in the session: PgBouncer gives the session to others
      await client.query('begin read only')
      // the server goes on with a statement whose client was killed
      await client.query(`set local statement_timeout = ${NAMES_LIMIT_MS}`)
      return await findNames(
        async (sql, parameters) => (await client.query(sql, [...parameters])).rows,
        question,
      )
    } finally {
      await client.end()
    }
  }
}
