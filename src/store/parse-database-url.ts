import { resolve } from 'node:path'
import { AnalyticsError } from '../errors.ts'

/** A database URL, understood: an absolute path of an SQLite file, or a PostgreSQL connection string. */
export type DatabaseAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgresql'; readonly url: string }

const FORMS = 'Use sqlite:<path> or postgres://user:password@host:5432/name.'

/**
 * Reads `sqlite:<path>` (relative to the working directory), `postgres://…` or `postgresql://…`.
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
  parsePostgresUrl(url)
  return { kind: 'postgresql', url }
}

/**
 * What may be shown of a database URL: `SQLite /data/usage.db` or `PostgreSQL usage at db.internal:5432`, with a
 * `search_path` of the URL, because that decides which tables are meant.
 */
export function describeDatabaseUrl(url: string): string {
  const address = parseDatabaseUrl(url)
  if (address.kind === 'sqlite') return `SQLite ${address.path}`
  const { database, host, port } = parsePostgresUrl(url)
  const where = host.startsWith('/') ? host : `${host.toLowerCase()}:${port}`
  return `PostgreSQL ${database} at ${where}${describeSchema(url)}`
}

function describeSchema(url: string): string {
  const [, query = ''] = url.split('?')
  const options = new URLSearchParams(query).get('options') ?? ''
  const [, path] = /\bsearch_path\s*=\s*(\S+)/.exec(options) ?? []
  return path === undefined ? '' : `, search_path ${path}`
}

function parseSqlitePath(url: string): string {
  const path = url.slice('sqlite:'.length).replace(/^\/\//, '')
  if (path === '' || path.endsWith('/')) {
    throw new AnalyticsError('OPTION_INVALID', `The database URL names no SQLite file. ${FORMS}`)
  }
  return resolve(path)
}

/** The parts that may be shown; the driver reads the URL itself. */
function parsePostgresUrl(url: string): { database: string; host: string; port: string } {
  const parsed = /^postgres(ql)?:\/\//.test(url) && isDecodable(url) ? URL.parse(url) : null
  if (!parsed) throw new AnalyticsError('OPTION_INVALID', `${describeUnreadable(url)} ${FORMS}`)
  const database = decodeURIComponent(parsed.pathname.slice(1))
  if (!database) throw new AnalyticsError('OPTION_INVALID', `The database URL names no database. ${FORMS}`)
  const host = parsed.hostname || parsed.searchParams.get('host') || 'localhost'
  return { database, host, port: parsed.port || parsed.searchParams.get('port') || '5432' }
}

/** Another product's scheme is named; nothing after it is, for that may be a password. */
function describeUnreadable(url: string): string {
  const [, scheme] = /^([a-z][a-z\d+.-]{0,20}):\/\//i.exec(url) ?? []
  const isOther = scheme !== undefined && !/^postgres(ql)?$/i.test(scheme)
  return isOther
    ? `The databases are SQLite and PostgreSQL, and not "${scheme}".`
    : 'Cannot read the database URL.'
}

/** A password with a bare `%` would fail in the driver, with the whole URL in its message. */
function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url)
    return true
  } catch {
    return false
  }
}
