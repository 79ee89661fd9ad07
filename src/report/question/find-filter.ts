import { AnalyticsError } from '../../model/errors.ts'
import { parseStatus } from './parse-filter.ts'
import { parsePeriod } from '../../time/period.ts'
import type { Period } from '../../time/period.ts'
import { didYouMean, suggest } from '../../model/suggest.ts'
import type { Database } from '../../store/database/open-database.ts'
import { nameOfEndpoint, preferStoredEndpoint } from '../../store/read/usage-filter.ts'
import type { KeyRecord } from '../../model/key.ts'
import type { UsageFilter } from '../../model/usage-query.ts'
import { findKey } from './find-key.ts'
import { readLine } from './line-of-key.ts'
import type { SecretInput } from './find-key.ts'
import { parseEndpoint } from './parse-endpoint.ts'

/** The filters as text: the flags of a command, or the query of the dashboard. */
export interface FilterText {
  readonly key?: string | undefined
  readonly endpoint?: string | undefined
  readonly owner?: string | undefined
  readonly method?: string | undefined
  readonly status?: readonly string[] | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly month?: string | undefined
  readonly tz?: string | undefined
  /** Each key alone, also where keys are linked. */
  readonly 'no-links'?: boolean | undefined
}

/** A parsed filter. */
export interface FoundFilter {
  readonly period: Period
  readonly filter: Omit<UsageFilter, 'since' | 'until'>
  readonly key?: KeyRecord | undefined
  /** All keys of the line of that key, oldest first; undefined where it is alone. */
  readonly line?: readonly KeyRecord[] | undefined
}

/** Parses a filter and finds the key that it names. @throws WRONG_USAGE */
export async function findFilter(
  db: Database,
  text: FilterText,
  secretInput: SecretInput = {},
): Promise<FoundFilter> {
  const period = parsePeriod({
    since: text.since,
    until: text.until,
    month: text.month,
    timeZone: text.tz,
  })
  const { endpoint, method } = parseEndpoint(text.endpoint, text.method)
  const status = text.status?.map(parseStatus)
  const key = text.key === undefined ? undefined : await findKey(db, text.key, secretInput)
  const filter = {
    endpoint: endpoint === undefined ? undefined : await preferStoredEndpoint(db, endpoint),
    method,
    keyIds: key && [key.id],
    owner: text.owner,
    status,
    ...(text['no-links'] && { links: false }),
  }
  const line = key && !text['no-links'] ? await readLine(db, key.id) : undefined
  return { period, filter, key, line }
}

/** Called when nothing was found: checks that the endpoint and the owner exist. @throws WRONG_USAGE */
export async function requireKnownNames(
  db: Database,
  { endpoint, method, owner }: UsageFilter,
): Promise<void> {
  const { findUsage } = await import('../../store/read/find-usage.ts')
  if (endpoint !== undefined) {
    if ((await findUsage(db, { endpoint, method })).length === 0) {
      const known = (await findUsage(db, { by: ['endpoint'] })).flatMap((row) => row.endpoint ?? [])
      const near = didYouMean(
        suggest(
          endpoint,
          known.filter((name) => name !== endpoint),
        ),
      )
      throw new AnalyticsError(
        'WRONG_USAGE',
        `No requests to "${[method ?? '', nameOfEndpoint(endpoint)].join(' ').trim()}" are stored.${near}`,
      )
    }
  }
  if (owner !== undefined && (await findUsage(db, { owner })).length === 0) {
    const known = (await findUsage(db, { by: ['owner'] })).flatMap((row) => row.owner ?? [])
    throw new AnalyticsError(
      'WRONG_USAGE',
      `No key has the owner "${owner}".${didYouMean(suggest(owner, known))}`,
    )
  }
}
