import { NOT_MIGRATED, NO_ACCESS, NO_CONNECTION, NO_DATABASE, POOLER_WAITS } from './diagnoses.ts'
import type { Diagnosis } from './diagnoses.ts'

/** Errors that only the text of the driver or the pooler distinguishes. */
export const BY_MESSAGE: readonly (readonly [RegExp, Diagnosis])[] = [
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
