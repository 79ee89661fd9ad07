import type { NameKind } from '../../store/names/find-names.ts'
import { DIMENSION_WORDS } from '../../report/question/parse-filter.ts'

/** Where the completions of a value come from. */
export interface ValueSource {
  /** Names from the database. */
  readonly names?: NameKind
  /** Words that are known or computed. */
  readonly words?: () => Iterable<string> | Promise<Iterable<string>>
  /** Paths, which the shell completes itself. */
  readonly paths?: 'files' | 'directories'
}

/** A text that nobody can guess. */
const FREE: ValueSource = {}
const MONTHS = 12

/**
 * The completions of every value by its name in the help: the `helpValue` of a flag, or the name of an argument in
 * capitals. A value with one of these names is completed wherever it is taken.
 */
export const VALUE_SOURCES: Readonly<Record<string, ValueSource>> = {
  KEY: { names: 'key' },
  OWNER: { names: 'owner' },
  PATTERN: { names: 'endpoint' },
  ROUTE: { names: 'operation' },
  UNIT: { names: 'unit' },
  STATEMENT: { names: 'statement' },
  'STATEMENT-OR-FILE': { names: 'statement', paths: 'files' },
  IMPORT: { names: 'import' },
  WEBHOOK: { names: 'webhook' },
  FILE: { paths: 'files' },
  KEYFILE: { paths: 'files' },
  DIR: { paths: 'directories' },
  METHOD: { words: () => ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] },
  STATUS: { words: () => ['2xx', '3xx', '4xx', '5xx', '401', '403', '404', '429', '500'] },
  'DIMENSION[,DIMENSION]': { words: () => DIMENSION_WORDS },
  'NAME[,NAME]': {
    words: async () =>
      (await import('../../report/export/export-columns.ts')).storedColumns('UTC', []).keys(),
  },
  ZONE: { words: () => ['UTC', ...Intl.supportedValuesOf('timeZone')] },
  TIME: { words: () => ['24h', '7d', '30d', '90d'] },
  AGE: { words: () => ['30d', '90d', '365d'] },
  MONTH: { words: () => lastMonths(new Date()) },
  WEEK: FREE,
  DAY: FREE,
  DATE: FREE,
  URL: FREE,
  N: FREE,
  NAME: FREE,
  'NEW-NAME': FREE,
  PORT: FREE,
  PERCENT: FREE,
  '90d': FREE,
  'FIELD=COLUMN[,…]': FREE,
  '[NAME=]URL': FREE,
  'NAME=NUMBER': FREE,
  'N|UNIT=N': FREE,
}

/** The last months, this one first, in UTC. */
function lastMonths(now: Date): string[] {
  return Array.from({ length: MONTHS }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back)).toISOString().slice(0, 7),
  )
}
