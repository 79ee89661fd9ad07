import type { CalendarUnit } from '../time/calendar.ts'

/** The dimensions by which usage can be grouped. */
export type UsageDimension = 'key' | 'endpoint' | 'method' | 'status' | 'owner' | CalendarUnit

/** Which rows count. Absent means all. `since` is inclusive, `until` exclusive. */
export interface UsageFilter {
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** Ids of keys. Each stands for its whole line, unless `links` is false. */
  readonly keyIds?: readonly string[] | undefined
  /** False: each key alone. Default: keys that are linked (`keys link`) count as one. */
  readonly links?: boolean | undefined
  /** The owner of the key when the requests were counted. */
  readonly owner?: string | undefined
  readonly method?: string | undefined
  /** A pattern as stored, or a glob in which `*` stands for any characters and `[*]` for a star. */
  readonly endpoint?: string | undefined
  /** Only these operations. */
  readonly operations?: readonly OperationFilter[] | undefined
  /** One status (429), a class ('4xx'), or a list of either. */
  readonly status?: StatusFilter | readonly StatusFilter[] | undefined
  /** False: without imported rows; true: only these. */
  readonly imported?: boolean | undefined
}

/** An endpoint as it is stored; without a method all methods of it. */
export interface OperationFilter {
  readonly endpoint: string
  readonly method?: string | undefined
}

export type StatusFilter = number | '1xx' | '2xx' | '3xx' | '4xx' | '5xx'

/** The rows that `streamUsage` returns. */
export interface StreamQuery extends UsageFilter {
  /** Adds the latency to each row. */
  readonly latency?: boolean | undefined
  /** Adds the quantities of each unit to each row. A row may then have no requests, see `UsageQuery`. */
  readonly units?: boolean | undefined
  /** Adds the number of its import to each row, 0 for a counted one. */
  readonly imports?: boolean | undefined
}

/**
 * How `findUsage` sorts: by requests, errors or quantity (most first), by last use (latest first), or by the group itself.
 * `quantity` needs a `unit`.
 */
export type UsageSort = 'requests' | 'quantity' | 'errors' | 'lastUsed' | 'group'

export interface UsageQuery extends UsageFilter {
  /** Zero (one total row), one or more dimensions. `endpoint` alone merges methods; add `method` to keep them apart. */
  readonly by?: readonly UsageDimension[] | undefined
  /** IANA name for the borders of hour, day, week (from Monday) and month. Default `UTC`. */
  readonly timeZone?: string | undefined
  /** Default: `group` when grouped by time, else `requests`, or `quantity` with a `unit`. Ties are broken by the group, so the order is total. */
  readonly sort?: UsageSort | undefined
  readonly limit?: number | undefined
  /** Adds a `trend` to each group: one step per hour, day, week or month. */
  readonly trend?: CalendarUnit | undefined
  /** Adds the latency to each group. */
  readonly latency?: boolean | undefined
  /**
   * Counts one unit instead of requests: each group and each step of a trend has its `quantity`, and `requestCount` and
   * the errors are those of the requests that used the unit. Groups without any are left out. There are no durations.
   */
  readonly unit?: string | undefined
  /**
   * Adds the quantities of each unit to each group. A group may then have no requests: usage that is set after its
   * request was counted belongs to the time at which it was set.
   */
  readonly units?: boolean | undefined
}

/** Which requests of the key to count, and how many endpoints to return. */
export type MostAccessedOptions = Omit<UsageFilter, 'keyIds' | 'owner'> & {
  readonly limit?: number | undefined
}
