import type { KeyIdentity, KeyOwner, KeyRecord } from './key.ts'
import type { ClosedStatement, ClosePeriodOptions } from './closing.ts'
import type { StatementCheck, StatementDocument, StatementFilter, StatementSummary } from './statement.ts'
import type { NewQuota, Quota, QuotaFilter, QuotaMeasurement, QuotaName } from './quota.ts'
import type {
  DeprecatedRoute,
  DeprecatedRoutesOptions,
  ListedRoute,
  NewDeprecation,
  Route,
  UnusedRoutes,
  UnusedRoutesOptions,
} from './route.ts'
import type { Operation } from './operation.ts'
import type { MostAccessedOptions, StreamQuery, UsageQuery } from './usage-query.ts'
import type { StoredUsageRow, UsageRow } from './usage-row.ts'

/** The read side of a usage database, and what people decide about it: closed periods, quotas, deprecations, links. No count changes. */
export interface Usage {
  /** Usage summed up by any combination of dimensions. */
  findUsage(query: UsageQuery): Promise<UsageRow[]>
  /** The stored rows in pages, always in the same order; memory stays constant. */
  streamUsage(query?: StreamQuery): AsyncIterable<readonly StoredUsageRow[]>
  /** The endpoints of one key (its id or record), most used first. */
  getMostAccessedEndpoints(
    key: string | Pick<KeyIdentity, 'id'>,
    options?: MostAccessedOptions,
  ): Promise<UsageRow[]>
  /** The keys with this name, label or id, else those whose label or id begins with it. */
  findKeys(text: string): Promise<KeyRecord[]>
  /** Who owned a key (its id or record) when, oldest first. */
  findOwners(key: string | Pick<KeyIdentity, 'id'>): Promise<KeyOwner[]>
  /**
   * Says that a key continues an older one: both count as one key from then on. Both were counted before. False when it
   * continued that key already. `acrossOwners` also links keys of different owners.
   * @throws ARGUMENT_INVALID for an unknown key, a loop, a key that continues another one, and different owners
   */
  linkKey(
    key: string | Pick<KeyIdentity, 'id'>,
    options: {
      readonly continues: string | Pick<KeyIdentity, 'id'>
      readonly acrossOwners?: boolean | undefined
    },
  ): Promise<boolean>
  /**
   * Ends the link of a key to the key that it continues, and returns the id of that key; undefined when it had no link.
   * @throws ARGUMENT_INVALID for an unknown key, and one that others continue but that continues none
   */
  unlinkKey(key: string | Pick<KeyIdentity, 'id'>): Promise<string | undefined>
  /**
   * Closes a period: writes the statement that says what is billed for it. With `dryRun` it only returns it.
   * @throws CLOSE_REFUSED with every reason and its remedy
   */
  closePeriod(options: ClosePeriodOptions): Promise<ClosedStatement>
  /** The statements of closed periods, the first one first. */
  findStatements(): Promise<StatementSummary[]>
  /** A statement by its number or period (`7`, `'2026-10'`), or the part of one owner or key, in memory. */
  readStatement(which: number | string, filter?: StatementFilter): Promise<StatementDocument>
  /** Checks that nothing was changed: in a document, in one statement of the database, or in all. */
  checkStatement(
    which?: number | string | StatementDocument,
    options?: { readonly publicKey?: string | undefined },
  ): Promise<StatementCheck>
  /**
   * Sets how much of a unit a key or an owner may use per day, week or month, or changes it.
   * @throws ARGUMENT_INVALID
   */
  setQuota(quota: NewQuota): Promise<Quota>
  /** Removes a quota and returns it; undefined when there is none. @throws ARGUMENT_INVALID */
  removeQuota(quota: QuotaName): Promise<Quota | undefined>
  /** The quotas of some keys and owners together, or all, and what was used of them in the present period. */
  findQuotas(filter?: QuotaFilter): Promise<QuotaMeasurement>
  /** The routes that apps have registered (option `routes`), and those that were deprecated. */
  findRoutes(): Promise<ListedRoute[]>
  /** The routes of the running releases that no key has called in the last complete days. @throws ARGUMENT_INVALID */
  findUnusedRoutes(options?: UnusedRoutesOptions): Promise<UnusedRoutes>
  /** The deprecated routes and who still calls them, those with the most requests first. @throws ARGUMENT_INVALID */
  findDeprecatedRoutes(options?: DeprecatedRoutesOptions): Promise<DeprecatedRoute[]>
  /** Deprecates a route, or changes since when, until when or the link. @throws ARGUMENT_INVALID */
  deprecateRoute(deprecation: NewDeprecation): Promise<Route>
  /** Takes a deprecation back and returns the route as it was; undefined when it was not deprecated. */
  undeprecateRoute(route: Operation): Promise<Route | undefined>
  close(): Promise<void>
}

/** The database to read, with the same names as in `apiKeyAnalytics()`. */
export interface UsageOptions {
  /** URL. Default: `DATABASE_URL`, else the embedded file in `dataDir`. */
  readonly database?: string | undefined
  readonly dataDir?: string | undefined
}
