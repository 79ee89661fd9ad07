import type { Connections, Dialect, OpenOptions, DatabaseSession } from './dialect.ts'
import { describeDatabaseUrl, parseDatabaseUrl } from '../../options/parse-database-url.ts'

/** An open database: statements and transactions. For MikroORM on its connections see `readOnlyOrm`. */
export interface Database extends DatabaseSession {
  readonly dialect: Dialect
  readonly connections: Connections
  /** True on Citus: rows lie on several servers, each with snapshots and locks of its own. */
  readonly distributed: boolean
  /** Its name in headings and messages; without user and password. */
  readonly databaseLabel: string
  close(): Promise<void>
}

/**
 * Opens a database and checks that it answers. Does not check its tables (see `requireSchema`).
 * @throws OPTION_INVALID, DATABASE_NOT_FOUND, DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_BUSY
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  const databaseLabel = describeDatabaseUrl(url)
  return openDialect(await loadDialect(url, databaseLabel), databaseLabel, options)
}

/** Opens the database of a dialect; see `openDatabase`. */
export async function openDialect(
  dialect: Dialect,
  databaseLabel: string,
  options: OpenOptions,
): Promise<Database> {
  const { session, ...opened } = await dialect.open(options)
  return { ...session, ...opened, dialect, databaseLabel }
}

/** Loads only the driver that is needed. */
async function loadDialect(url: string, databaseLabel: string): Promise<Dialect> {
  const address = parseDatabaseUrl(url)
  if (address.kind === 'sqlite')
    return (await import('./sqlite/sqlite.ts')).sqliteDialect(address.path, databaseLabel)
  return (await import('./postgresql/postgresql.ts')).postgresqlDialect(address.url, databaseLabel)
}
