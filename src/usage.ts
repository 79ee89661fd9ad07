/** The shared nouns: what flows from a request to the database, and what comes back in a report. */
import type { CalendarUnit } from './calendar.ts'
import type { DurationBins, Latency } from './duration-bins.ts'

/** One API key as it may be stored and shown: never its secret. */
export interface KeyIdentity {
  /** Lower-case UUID, computed from the secret or from the app's own id. */
  readonly id: string
  /** What a person recognises: the app's id, or at most the first 4 and last 4 characters of a long secret. */
  readonly label: string
  readonly name: string | null
  readonly owner: string | null
}

/** The key under which requests past a limit, or of keys never seen to be real, are counted. */
export const OTHER_KEY: KeyIdentity = {
  id: '00000000-0000-0000-0000-000000000001',
  label: '(other)',
  name: null,
  owner: null,
}

/** The key under which requests with an unknown key are counted when they got 401 or 403. */
export const REJECTED_KEY: KeyIdentity = {
  id: '00000000-0000-0000-0000-000000000002',
  label: '(rejected)',
  name: null,
  owner: null,
}

/** Whether a key's id stands for many keys, `(other)` or `(rejected)`, and so counts as none. */
export function isReservedKey(id: string): boolean {
  return id === OTHER_KEY.id || id === REJECTED_KEY.id
}

/** Endpoint of a request that no route matched. */
export const UNMATCHED_ENDPOINT = '(unmatched)'
/** Endpoint of a request past `maxEndpointsPerKey`. */
export const OTHER_ENDPOINT = '(other)'
/** Method of a request whose method is not one of the known HTTP methods. */
export const OTHER_METHOD = '_OTHER'

/** One operation of the API: `{ method: 'GET', endpoint: '/users/:id' }`. */
export interface Operation {
  readonly method: string
  readonly endpoint: string
}

/** Width of a bucket in minutes: minute, hour or day (always UTC). */
export type BucketMinutes = 1 | 60 | 1440

/** One cell of a batch. */
export interface BatchRow {
  readonly keyId: string
  readonly endpoint: string
  readonly method: string
  readonly status: number
  /** Requests, at least 1. */
  readonly requestCount: number
  /** Sum over the requests, whole microseconds. */
  readonly durationUs: number
  /** Requests by duration; they sum up to `requestCount`. */
  readonly durationBins: DurationBins
}

/** All that one instance counted between two seals, inside one bucket. */
export interface Batch {
  /** UUID of the counter file that counted it. */
  readonly instance: string
  /** 1, 2, 3 … within the instance, without holes. */
  readonly sequence: number
  /** Start of the bucket, epoch milliseconds. */
  readonly bucket: number
  readonly bucketMinutes: BucketMinutes
  /** Requests that this instance counted before this batch: what the ledger must have seen by then. */
  readonly countedBefore: number
  /** Requests in this batch: the sum over its rows. */
  readonly requestCount: number
  /** When the batch was sealed, epoch milliseconds; taken as the keys' time of last use. */
  readonly sealedAt: number
  /** False when its process was killed before: another copy of its counter file may hold more of the batch. */
  readonly isSealed: boolean
  /** The batch that the instance counts into now; undefined when its process is dead, or may live elsewhere. */
  readonly openSequence: number | undefined
  /** Every key that a row names, each once, sorted by id. */
  keys(): AsyncIterable<readonly KeyIdentity[]>
  /**
   * The rows in chunks of at most 1000, each row (key, endpoint, method, status) once, sorted by keyId, endpoint,
   * method (code units) and status: concurrent flushes lock in one order and cannot deadlock. Asynchronous, so that
   * a large batch never holds the event loop; may be iterated again for a retry.
   */
  rows(): AsyncIterable<readonly BatchRow[]>
}

/** What a store says of the database behind it. */
export interface DatabaseFacts {
  /** Random UUID of the database, made by the first migration. */
  readonly databaseId: string
  /** How messages name it; without user and password. */
  readonly place: string
  /** False when the database was used with another pepper: its ids would not match ours. */
  readonly pepperMatches: boolean
}

/** The only door from counting to the database. Errors are `AnalyticsError`s. */
export interface UsageStore {
  /**
   * Connects if need be, checks the schema version and the pepper.
   * @throws DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_NOT_MIGRATED, DATABASE_TOO_NEW, DATABASE_BUSY
   */
  connect(): Promise<DatabaseFacts>
  /**
   * Adds one batch in one transaction, exactly once however often it is called with the same (instance, sequence).
   * @throws BATCH_REFUSED when the database refuses its content for good, INSTANCE_COPIED when its instance counts in
   * two places; anything else may be retried.
   */
  recordBatch(batch: Batch): Promise<'applied' | 'applied before'>
  /** Ids of at most `limit` keys of the database, last used first, without the reserved ones. */
  findKnownKeys(limit: number): Promise<string[]>
  close(): Promise<void>
}

/** What usage can be grouped by. */
export type UsageDimension = 'key' | 'endpoint' | 'method' | 'status' | 'owner' | CalendarUnit

/** Which rows count. Absent means all. `since` is inclusive, `until` exclusive. */
export interface UsageFilter {
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  readonly keyIds?: readonly string[] | undefined
  /** Whose the key was when the requests were counted. */
  readonly owner?: string | undefined
  readonly method?: string | undefined
  /** A pattern as stored, or a glob in which `*` stands for any characters and `[*]` for a star. */
  readonly endpoint?: string | undefined
  /** One status (429), a class ('4xx'), or a list of either. */
  readonly status?: StatusFilter | readonly StatusFilter[] | undefined
}
export type StatusFilter = number | '1xx' | '2xx' | '3xx' | '4xx' | '5xx'

/** Which rows `streamUsage` gives. */
export interface StreamQuery extends UsageFilter {
  /** Adds to each row how long its requests took: `latency`. */
  readonly latency?: boolean | undefined
}

/** How `findUsage` sorts: by requests or errors (most first), by last use (latest first), or by the group itself. */
export type UsageSort = 'requests' | 'errors' | 'lastUsed' | 'group'

export interface UsageQuery extends UsageFilter {
  /** Zero (one total row), one or more dimensions. `endpoint` alone merges methods; add `method` to keep them apart. */
  readonly by?: readonly UsageDimension[] | undefined
  /** IANA name for the borders of hour, day, week (from Monday) and month. Default `UTC`. */
  readonly timeZone?: string | undefined
  /** Default: `group` when grouped by time, else `requests`. Ties are broken by the group, so the order is total. */
  readonly sort?: UsageSort | undefined
  readonly limit?: number | undefined
  /** Adds to each group how it went over time: `trend`, one step per hour, day, week or month. */
  readonly trend?: CalendarUnit | undefined
  /** Adds to each group how long its requests took: `latency`. */
  readonly latency?: boolean | undefined
}

/** Rows and the requests in them. */
export interface RowSum {
  readonly rows: number
  readonly requests: number
}

/** Rows that borders of time cut, and those that changes of owner cut where the query is by owner or of one. */
export type StraddlingRows = RowSum & { readonly cutByOwners?: RowSum }

/** A step of a trend. */
export interface TrendStep {
  /** Start of the hour, day, week or month. */
  readonly start: Date
  readonly requestCount: number
  /** Statuses 400-599. */
  readonly errorCount: number
}

/** A key as stored, with its present owner; grouped by key and owner, with the owner of the group. */
export interface KeyRecord extends KeyIdentity {
  readonly firstSeenAt: Date
  readonly lastUsedAt: Date
}

/** Who owned a key when. */
export interface KeyOwner {
  /** Null: from the beginning. */
  readonly since: Date | null
  /** Null: until now. */
  readonly until: Date | null
  /** Null when nobody knows. */
  readonly owner: string | null
  /** What a person set stays whatever the app says. */
  readonly setBy: 'app' | 'person'
}

/** One group of usage. Only the fields of the dimensions asked for are set. */
export interface UsageRow {
  readonly key?: KeyRecord
  readonly endpoint?: string
  readonly method?: string
  readonly status?: number
  readonly owner?: string | null
  /** Start of the hour, day, week or month in the query's time zone, as an instant. */
  readonly hour?: Date
  readonly day?: Date
  readonly week?: Date
  readonly month?: Date
  readonly requestCount: number
  /** Statuses 400-499. */
  readonly clientErrorCount: number
  /** Statuses 500-599. */
  readonly serverErrorCount: number
  /** Statuses 401 and 403. */
  readonly rejectedCount: number
  /** Sum of durations, microseconds; divide by requestCount for the mean. */
  readonly durationUs: number
  /** Start of the first and of the last bucket with a request in this group. */
  readonly firstBucket: Date
  readonly lastBucket: Date
  /** The steps that have requests, oldest first; only when asked for. */
  readonly trend?: readonly TrendStep[]
  /** Null when no duration in this group was measured; only when asked for. */
  readonly latency?: Latency | null
}

/** One stored row, as `export` and `streamUsage` give it. */
export interface StoredUsageRow {
  readonly keyId: string
  readonly keyLabel: string
  readonly keyName: string | null
  /** The owner when the requests were counted. */
  readonly keyOwner: string | null
  readonly bucket: Date
  readonly bucketMinutes: BucketMinutes
  readonly method: string
  readonly endpoint: string
  readonly status: number
  readonly requestCount: number
  readonly durationUs: number
  /** Null when no duration in this row was measured; only when asked for. */
  readonly latency?: Latency | null
}

/** Which requests of the key count, and how many endpoints to give. */
export type MostAccessedOptions = Omit<UsageFilter, 'keyIds' | 'owner'> & {
  readonly limit?: number | undefined
}

/** The read side of a database of usage. Nothing here writes. */
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
  close(): Promise<void>
}

/** Rows and the requests in them. */
export interface RowSum {
  readonly rows: number
  readonly requests: number
}

/** Rows that borders of time cut, and those that changes of owner cut where the query is by owner or of one. */
export type StraddlingRows = RowSum & { readonly cutByOwners?: RowSum }
