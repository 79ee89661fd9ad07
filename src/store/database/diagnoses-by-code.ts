import {
  BUSY,
  CHECK_URL,
  NOT_MIGRATED,
  NO_ACCESS,
  NO_CONNECTION,
  NO_DATABASE,
  NO_RIGHT,
  UNREACHABLE,
  UNTRUSTED,
} from './diagnoses.ts'
import type { Diagnosis } from './diagnoses.ts'

/** By SQLSTATE, by SQLite's result code, or by the system's error code. */
export const BY_CODE: readonly (readonly [RegExp, Diagnosis])[] = [
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
