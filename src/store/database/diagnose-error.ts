import type { AnalyticsErrorCode } from '../../model/errors.ts'

/** What a driver throws. With several addresses it is one error for all. */
export type DriverError = {
  code?: string
  syscall?: string
  message?: string
  errors?: readonly DriverError[]
}

/** What an error of a database means, and what to do. The name of the database stands between the two sentences. */
export interface Diagnosis {
  readonly code: AnalyticsErrorCode
  readonly finding: string
  readonly remedy: string
}

/** Recognises an error by its text first, because some codes stand for several causes. */
export function diagnose(error: DriverError): Diagnosis {
  const code = error.code ?? error.errors?.[0]?.code ?? ''
  const message = causeOf(error)
  for (const [pattern, diagnosis] of BY_MESSAGE) if (pattern.test(message)) return diagnosis
  // a missing socket gives the same code
  if (code === 'ENOENT' && error.syscall === 'open') return NO_FILE
  for (const [pattern, diagnosis] of BY_CODE) if (pattern.test(code)) return diagnosis
  // the PostgreSQL driver gives no code for a connection that broke or was never made
  if (!/^(\w{5}|SQLITE_\w+)$/.test(code) || code === 'EPIPE') return UNREACHABLE
  return {
    code: 'DATABASE_FAILED',
    finding: 'A statement failed on',
    remedy: 'If it stays, check the database.',
  }
}

/**
 * The driver's message. It names users, hosts and tables, never a password. With several addresses the driver fails
 * with one error for all.
 */
export function causeOf(error: DriverError): string {
  const cause = error.message || error.errors?.[0]?.message || error.code || 'no reason given'
  return cause.replace(/\s*\n\s*/g, '; ').replace(/\.$/, '')
}

const CHECK_URL = 'Check --database or DATABASE_URL.'
const UNREACHABLE: Diagnosis = { code: 'DATABASE_UNREACHABLE', finding: 'Cannot reach', remedy: CHECK_URL }
const NOT_MIGRATED: Diagnosis = {
  code: 'DATABASE_NOT_MIGRATED',
  finding: 'The tables are missing in',
  remedy: 'Run "apikey-analytics migrate".',
}
const BUSY: Diagnosis = {
  code: 'DATABASE_BUSY',
  finding: 'Somebody else holds a lock in',
  remedy: 'Try again, or find out who does.',
}
const NO_DATABASE: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'There is no such database:',
  remedy: CHECK_URL,
}
const NO_ACCESS: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'No access to',
  remedy: 'Check user, password and what the server lets in (pg_hba.conf).',
}
const NO_RIGHT: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'This role may not do that in',
  remedy: 'docs/postgresql.md lists the grants that each role needs.',
}
const NO_CONNECTION: Diagnosis = {
  code: 'DATABASE_UNREACHABLE',
  finding: 'No connection is free at',
  remedy:
    'Raise the limit of the server, the role or the pooler, or close other connections: one is enough for an app and for most commands, two for all.',
}
const POOLER_WAITS: Diagnosis = {
  code: 'DATABASE_UNREACHABLE',
  finding: 'A connection is open, but no answer came in time from',
  remedy:
    'Either the server hangs, or a pooler in front of it has no free connection: raise its pool size, or close what holds its connections.',
}
const UNTRUSTED: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'Cannot trust the TLS certificate of',
  remedy:
    'Name the authority that signed it with sslrootcert=<file> in the database URL. sslmode=no-verify encrypts without checking who answers.',
}
const NO_FILE: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'Cannot read a file that is needed for',
  remedy: 'Check sslrootcert, sslcert and sslkey in the database URL.',
}

/** Errors that only the text of the driver or the pooler distinguishes. */
const BY_MESSAGE: readonly (readonly [RegExp, Diagnosis])[] = [
  [/no such table/, NOT_MIGRATED],
  [
    /client password must be/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'A password is needed for',
      remedy: 'Put it into the database URL, or set PGPASSWORD.',
    },
  ],
  [/^SASL: /, NO_ACCESS],
  [
    /no pg_hba\.conf entry .*(no encryption|SSL off)/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'No access without TLS to',
      remedy: 'Add sslmode=verify-full to the database URL, or check what the server lets in (pg_hba.conf).',
    },
  ],
  [
    /certificate authentication failed|valid client certificate/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'A client certificate is needed for',
      remedy: 'Name yours with sslcert=<file> and sslkey=<file> in the database URL.',
    },
  ],
  [
    /does not support SSL connections|establishing an SSL connection/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'No TLS is offered by',
      remedy: 'Switch it on there (ssl = on), or take sslmode out of the database URL.',
    },
  ],
  [
    /unsupported startup parameter/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'A parameter of the database URL is refused by the pooler of',
      remedy:
        'Set it for the role instead (alter role … set …), or list it in ignore_startup_parameters of PgBouncer.',
    },
  ],
  // PgBouncer gives all of these the code 08P01, at least in older versions
  [/query_wait_timeout|Query read timeout/, POOLER_WAITS],
  [/no more connections allowed|max_client_conn/, NO_CONNECTION],
  [
    /^timeout exceeded when trying to connect/,
    {
      code: 'DATABASE_BUSY',
      finding: 'All connections of this process are in use with',
      remedy: 'Try again when fewer long statements run.',
    },
  ],
  [/^no such database/, NO_DATABASE],
  [/^no such user|^auth failed|^password authentication failed|^SASL authentication failed/, NO_ACCESS],
  [
    /conflict with recovery/,
    {
      code: 'DATABASE_BUSY',
      finding: 'The primary has changed what was being read on the standby',
      remedy: 'Try again, set hot_standby_feedback there, or ask the primary.',
    },
  ],
]

/** By SQLSTATE, by SQLite's result code, or by the system's error code. */
const BY_CODE: readonly (readonly [RegExp, Diagnosis])[] = [
  [/^28\w{3}$/, NO_ACCESS],
  [/^42501$/, NO_RIGHT],
  [/^3D000$/, NO_DATABASE],
  [
    /^3F000$/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'The search_path names no schema that this role may use in',
      remedy: 'Create the schema, grant usage on it, or correct the search_path.',
    },
  ],
  [/^42P01$/, NOT_MIGRATED],
  [/^53300$/, NO_CONNECTION],
  [
    /^57P03$/,
    {
      code: 'DATABASE_UNREACHABLE',
      finding: 'The server is starting, stopping or recovering:',
      remedy: 'Try again in a moment.',
    },
  ],
  [
    /^25006$/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'Nothing can be written to',
      remedy:
        'It is a standby, or its role, database or transaction is read-only. Reports may read it; the app and commands that change something need the primary.',
    },
  ],
  [
    /^57014$/,
    {
      code: 'DATABASE_FAILED',
      finding: 'A statement was cancelled in',
      remedy:
        'If it took too long, raise statement_timeout for this role: alter role … set statement_timeout = …',
    },
  ],
  [
    /^25P03$/,
    {
      code: 'DATABASE_BUSY',
      finding:
        'This process was paused inside a transaction, which was ended so that others can continue, on',
      remedy: 'Nothing was written: try again.',
    },
  ],
  [
    /^25P04$|^57P05$/,
    {
      code: 'DATABASE_FAILED',
      finding: 'A connection was closed by a time limit of',
      remedy: 'Raise transaction_timeout or idle_session_timeout for this role.',
    },
  ],
  [
    /^55P03$/,
    {
      code: 'DATABASE_BUSY',
      finding: 'A lock was not released in time (lock_timeout) in',
      remedy: 'Try again, or find out who holds it: pg_locks and pg_stat_activity show that.',
    },
  ],
  [/^08\w{3}$|^57P0\w$/, UNREACHABLE],
  [/^40\w{3}$|^SQLITE_(BUSY|LOCKED)/, BUSY],
  [
    /^22P05$/,
    {
      code: 'DATABASE_FAILED',
      finding: 'A text cannot be stored in the encoding of',
      remedy: "Use a database with the encoding 'UTF8'.",
    },
  ],
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID|REVOKED)$/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'The TLS certificate has expired, was revoked or is not valid yet at',
      remedy: 'Renew it, and check the clocks.',
    },
  ],
  [
    /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)\w+$|^ERR_TLS_CERT_SIGNATURE_ALGORITHM_UNSUPPORTED$/,
    UNTRUSTED,
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$|^HOSTNAME_MISMATCH$/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'The TLS certificate names another host than',
      remedy: 'Use a host name that it has. sslmode=no-verify encrypts without checking who answers.',
    },
  ],
  [
    /^ERR_(SSL|TLS|OSSL)_\w+$/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'No TLS connection can be made to',
      remedy: 'Check sslmode, sslrootcert, sslcert and sslkey in the database URL.',
    },
  ],
  [/^SQLITE_NOTADB/, { code: 'DATABASE_REFUSED', finding: 'This file is no database:', remedy: CHECK_URL }],
  [
    /^SQLITE_(CANTOPEN|READONLY)/,
    {
      code: 'DATABASE_REFUSED',
      finding: 'Cannot open',
      remedy:
        'Check the path and its permissions: also reading needs permission to write the file and its folder.',
    },
  ],
  [
    /^SQLITE_(PERM|AUTH)|^(EACCES|EPERM|EROFS|EISDIR|ENOTDIR|EEXIST)$/,
    { code: 'DATABASE_REFUSED', finding: 'Cannot open', remedy: 'Check the path and its permissions.' },
  ],
  [
    /^53100$|^SQLITE_FULL|^ENOSPC$/,
    { code: 'DATABASE_FAILED', finding: 'No space is left for', remedy: 'Make room on its disk.' },
  ],
  [
    /^53200$/,
    {
      code: 'DATABASE_FAILED',
      finding: 'No memory is left at',
      remedy: 'Give the server more, or try again.',
    },
  ],
]
