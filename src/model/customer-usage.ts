import type { QuotaPeriod } from './quota.ts'

/** Who asks: the key that the app vouched for, and whose usage is meant. */
export interface Customer {
  /** `owner`: all keys of the owner. `key`: this key and those of its line, in the time in which they are the owner's. */
  readonly scope: 'key' | 'owner'
  readonly keyId: string
  /** As the app says; null when it says none. The scope is then `key`. */
  readonly owner: string | null
}

/** By what `?by=` splits up the usage. */
export type CustomerDimension = 'key' | 'endpoint' | 'method' | 'status' | 'hour' | 'day' | 'week'

/** A question that a customer asks. Times are epoch milliseconds. */
export interface CustomerQuestion {
  readonly customer: Customer
  readonly since: number
  /** Exclusive. */
  readonly until: number
  readonly timeZone: string
  /** Without it: by day, and by endpoint. */
  readonly by?: CustomerDimension | undefined
}

/** Counts of some requests. */
export interface CustomerFigures {
  readonly requests: number
  /** Statuses 400-499. */
  readonly clientErrors: number
  /** Statuses 500-599. */
  readonly serverErrors: number
  /** Statuses 401 and 403. */
  readonly rejected: number
  /** What was used of each unit, such as `{ tokens: 1532n }`. */
  readonly units: Readonly<Record<string, bigint>>
}

/** A key as its owner sees it. */
export interface CustomerKey {
  readonly id: string
  readonly label: string
  /** Null also where the key has another owner by now, who named it. */
  readonly name: string | null
}

/** One group of `?by=`. */
export type CustomerGroup = CustomerFigures & {
  readonly key?: CustomerKey
  readonly method?: string
  readonly endpoint?: string
  readonly status?: number
  readonly hour?: Date
  readonly day?: Date
  readonly week?: Date
}

/** A day of the period. */
export interface CustomerStep extends CustomerFigures {
  readonly start: Date
  /** Requests by status class: 1xx, 2xx, 3xx, 4xx, 5xx. */
  readonly statuses: readonly number[]
}

/** A quota of the customer, in the present period. */
export interface CustomerQuota {
  /** `requests`, or such as `tokens`. */
  readonly unit: string
  readonly per: QuotaPeriod
  readonly timeZone: string
  readonly limit: bigint
  /** Of a key: what this owner used. May be more than the limit. */
  readonly used: bigint
  /** `limit - used`, 0 at least. */
  readonly remaining: bigint
  readonly startedAt: Date
  readonly resetsAt: Date
}

/** What a statement bills to the customer. */
export interface CustomerStatement {
  readonly number: number
  readonly period: {
    readonly label: string
    readonly since: string
    readonly until: string
    readonly timeZone: string
  }
  readonly closedAt: string
  readonly billable: readonly string[]
  /** By unit, `requests` among them: the usage of the period. */
  readonly usage: Readonly<Record<string, bigint>>
  /** Differences to earlier statements, by unit. */
  readonly corrections: readonly {
    readonly statement: number
    readonly quantities: Readonly<Record<string, bigint>>
  }[]
}

/** The usage of one customer in one period. */
export interface CustomerAnswer {
  readonly total: CustomerFigures
  /** Without `?by=`: every day of the period that has begun, and every endpoint, most used first. */
  readonly steps?: readonly CustomerStep[]
  readonly endpoints?: readonly CustomerGroup[]
  /** With `?by=`: the groups, in the order of time or most used first. */
  readonly groups?: readonly CustomerGroup[]
  /** In the order of units and periods. */
  readonly quotas: readonly CustomerQuota[]
  /** Every statement that bills something to the customer, the first one first. */
  readonly statements: readonly CustomerStatement[]
  /** Epoch milliseconds: the figures have what every process counted before; see docs/self-service.md. */
  readonly completeUntil: number
}
