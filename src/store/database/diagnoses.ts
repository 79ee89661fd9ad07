import type { AnalyticsErrorCode } from '../../model/errors.ts'

/** What an error of a database means, and what to do. The name of the database stands between the two sentences. */
export interface Diagnosis {
  readonly code: AnalyticsErrorCode
  readonly finding: string
  readonly remedy: string
}

export const CHECK_URL = 'Check --database or DATABASE_URL.'
export const UNREACHABLE: Diagnosis = {
  code: 'DATABASE_UNREACHABLE',
  finding: 'Cannot reach',
  remedy: CHECK_URL,
}
export const NOT_MIGRATED: Diagnosis = {
  code: 'DATABASE_NOT_MIGRATED',
  finding: 'The tables are missing in',
  remedy: 'Run "apikey-analytics migrate".',
}
export const BUSY: Diagnosis = {
  code: 'DATABASE_BUSY',
  finding: 'Somebody else holds a lock in',
  remedy: 'Try again, or find out who does.',
}
export const NO_DATABASE: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'There is no such database:',
  remedy: CHECK_URL,
}
export const NO_ACCESS: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'No access to',
  remedy: 'Check user, password and what the server lets in (pg_hba.conf).',
}
export const NO_RIGHT: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'This role may not do that in',
  remedy: 'docs/postgresql.md lists the grants that each role needs.',
}
export const NO_CONNECTION: Diagnosis = {
  code: 'DATABASE_UNREACHABLE',
  finding: 'No connection is free at',
  remedy:
    'Raise the limit of the server, the role or the pooler, or close other connections: one is enough for an app and for most commands, two for all.',
}
export const POOLER_WAITS: Diagnosis = {
  code: 'DATABASE_UNREACHABLE',
  finding: 'A connection is open, but no answer came in time from',
  remedy:
    'Either the server hangs, or a pooler in front of it has no free connection: raise its pool size, or close what holds its connections.',
}
export const UNTRUSTED: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'Cannot trust the TLS certificate of',
  remedy:
    'Name the authority that signed it with sslrootcert=<file> in the database URL. sslmode=no-verify encrypts without checking who answers.',
}
export const NO_FILE: Diagnosis = {
  code: 'DATABASE_REFUSED',
  finding: 'Cannot read a file that is needed for',
  remedy: 'Check sslrootcert, sslcert and sslkey in the database URL.',
}
