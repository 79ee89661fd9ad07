import { AnalyticsError } from '../model/errors.ts'
import { parseStatus } from './parse-filter.ts'
import { parsePeriod } from '../time/period.ts'
import type { Period } from '../time/period.ts'
import { didYouMean, suggest } from '../options/suggest.ts'
import type { Database } from '../store/database/open-database.ts'
import { nameOfEndpoint, preferStoredEndpoint } from '../store/read/usage-filter.ts'
import type { KeyRecord } from '../model/key.ts'
import type { UsageFilter } from '../model/usage-query.ts'
import type { Place } from '../cli/base-command.ts'
import { findKey } from './find-key.ts'
import { parseEndpoint } from '../cli/usage-flags.ts'
import type { UsageFlags } from '../cli/usage-flags.ts'

/** Filter flags, understood. */
export interface FoundFilter {
  readonly period: Period
  readonly filter: Omit<UsageFilter, 'since' | 'until'>
  readonly key?: KeyRecord
}

/** Reads the filter flags and finds the key they name. @throws WRONG_USAGE */
export async function findFilter(db: Database, flags: UsageFlags, place: Place): Promise<FoundFilter> {
  const period = parsePeriod({
    since: flags.since,
    until: flags.until,
    month: flags.month,
    timeZone: flags.tz,
  })
  const { endpoint, method } = parseEndpoint(flags.endpoint, flags.method)
  const status = flags.status?.map(parseStatus)
  const key = flags.key === undefined ? undefined : await findKey(db, flags.key, place)
  const filter = {
    ...(endpoint !== undefined && { endpoint: await preferStoredEndpoint(db, endpoint) }),
    ...(method !== undefined && { method }),
    ...(key && { keyIds: [key.id] }),
    ...(flags.owner !== undefined && { owner: flags.owner }),
    ...(status && { status }),
  }
  return { period, filter, ...(key && { key }) }
}

/** Makes sure that an endpoint and an owner exist at all, for nothing was found. @throws WRONG_USAGE */
export async function requireKnownNames(
  db: Database,
  { endpoint, method, owner }: UsageFilter,
): Promise<void> {
  const { findUsage } = await import('../store/read/find-usage.ts')
  if (endpoint !== undefined) {
    const operation = { endpoint, ...(method !== undefined && { method }) }
    if ((await findUsage(db, operation)).length === 0) {
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
