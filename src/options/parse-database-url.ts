import { resolve } from 'node:path'
import { parse } from 'pg-connection-string'
import { AnalyticsError } from '../model/errors.ts'

/** A parsed database URL: the absolute path of an SQLite file, or a PostgreSQL connection string. */
export type DatabaseAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgresql'; readonly url: string }

const FORMS = 'Use sqlite:<path> or postgres://user:password@host:5432/name.'

/**
 * Reads `sqlite:<path>` (relative to the working directory), or what the driver `pg` accepts: `postgres://…`,
 * `postgresql://…` or `socket:…`. What the URL leaves out comes from PGHOST, PGPORT, PGDATABASE and PGUSER.
 * @throws OPTION_INVALID, with a message that never repeats the URL: it may hold a password.
 */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  if (/^(sqlite:.*)?:memory:/.test(url)) {
    throw new AnalyticsError(
      'OPTION_INVALID',
      "A database in memory is only for apiKeyAnalytics({ database: ':memory:' }), and only analytics.usage() reads it. Name a file: sqlite:<path>.",
    )
  }
  if (url.startsWith('sqlite:')) return { kind: 'sqlite', path: parseSqlitePath(url) }
  readPostgresUrl(url)
  return { kind: 'postgresql', url: nameSslMode(url) }
}

/**
 * The part of a database URL that may be shown: `SQLite /data/usage.db` or `PostgreSQL usage at db.internal:5432`, with
 * the `search_path` of the URL, because that decides which tables are used.
 */
export function describeDatabaseUrl(url: string): string {
  const address = parseDatabaseUrl(url)
  if (address.kind === 'sqlite') return `SQLite ${address.path}`
  const { database, host, port } = readPostgresUrl(url)
  return `PostgreSQL ${database} at ${describeHost(host, port)}${describeSchema(url)}`
}

function describeSchema(url: string): string {
  const [, query = ''] = url.split('?')
  const options = new URLSearchParams(query).get('options') ?? ''
  const [, path] = /\bsearch_path\s*=\s*(\S+)/.exec(options) ?? []
  return path === undefined ? '' : `, search_path ${path}`
}

/** The name of the database in a PostgreSQL URL. */
export function databaseNameOf(url: string): string {
  return readPostgresUrl(url).database
}

function parseSqlitePath(url: string): string {
  const path = url.slice('sqlite:'.length).replace(/^\/\//, '')
  if (path === '' || path.endsWith('/')) {
    throw new AnalyticsError('OPTION_INVALID', `The database URL names no SQLite file. ${FORMS}`)
  }
  return resolve(path)
}

interface PostgresParts {
  readonly database: string
  readonly host: string
  readonly port: string
}

/** The parts that may be shown, read with the driver's own parser. */
function readPostgresUrl(url: string): PostgresParts {
  if (!/^(postgres(ql)?:\/\/|socket:)/.test(url)) throw unknownScheme(url)
  // An unescaped / or # in a password ends the host early. The rest of the password would then be shown as the
  // database.
  if (/^[^?]*[/#][^/?]*@|\?[^=]*@/.test(url.replace(/^\w+:\/*/, ''))) throw unreadable(ENCODE)
  const parsed = parseAsDriver(url)
  const { PGHOST, PGPORT, PGDATABASE, PGUSER, USER } = process.env
  const host = parsed.host || PGHOST || 'localhost'
  if (/,/.test(host)) throw unreadable(ONE_HOST)
  const database = parsed.database || PGDATABASE || parsed.user || PGUSER || USER
  if (!database) throw new AnalyticsError('OPTION_INVALID', `The database URL names no database. ${FORMS}`)
  return { database, host, port: String(parsed.port || PGPORT || 5432) }
}

function parseAsDriver(url: string): ReturnType<typeof parse> {
  try {
    return parse(withoutTls(url))
  } catch {
    // the driver's error may hold the URL
    throw unreadable(/^[^/]*\/\/[^/?]*,/.test(url) ? ONE_HOST : undefined)
  }
}

/** Without the parameters that make the driver read files and print warnings. */
function withoutTls(url: string): string {
  return url.replace(/([?&])(sslmode|sslcert|sslkey|sslrootcert)=[^&#]*/g, '$1')
}

/**
 * The driver (pg 8) treats prefer, require and verify-ca as verify-full and prints a warning of six lines, because pg 9
 * will not. Naming verify-full keeps the meaning and avoids the warning.
 */
function nameSslMode(url: string): string {
  if (/[?&]uselibpqcompat=true/.test(url)) return url
  return url.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=[&#]|$)/g, '$1verify-full')
}

function describeHost(host: string, port: string): string {
  if (host.startsWith('/')) return port === '5432' ? host : `${host}:${port}`
  const name = host.toLowerCase()
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`
}

const ENCODE = 'It has a bare @ behind the host: write /, # and @ in a password as %2F, %23 and %40.'
const ONE_HOST =
  'It names several hosts, which the driver does not support: name one, such as a proxy that finds the primary.'

function unreadable(why?: string): AnalyticsError {
  return new AnalyticsError('OPTION_INVALID', `Cannot read the database URL. ${why ? `${why} ` : ''}${FORMS}`)
}

/** Names the scheme of another product, and nothing after it, because that may be a password. */
function unknownScheme(url: string): AnalyticsError {
  const [, scheme] = /^([a-z][a-z\d+.-]{0,20}):\/\//i.exec(url) ?? []
  if (scheme === undefined || /^postgres(ql)?$/i.test(scheme)) return unreadable()
  return new AnalyticsError(
    'OPTION_INVALID',
    `The databases are SQLite and PostgreSQL, and not "${scheme}". ${FORMS}`,
  )
}
