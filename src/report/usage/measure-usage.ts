import { isReservedKey } from '../../model/key.ts'
import { mergeLatency } from '../../model/latency.ts'
import type { UsageRow } from '../../model/usage-row.ts'
import { amountOfRow } from './amount.ts'
import type { Amount } from './amount.ts'
import type { Measures } from './usage-report.ts'

/** The sum of some usage rows; without rows there is no first and no last bucket. */
export type Total = Record<(typeof COUNTS)[number], number> &
  Partial<Pick<UsageRow, 'firstBucket' | 'lastBucket' | 'latency' | 'quantity'>>

const COUNTS = [
  'requestCount',
  'clientErrorCount',
  'serverErrorCount',
  'rejectedCount',
  'durationUs',
] as const

/** Adds up groups that have no request in common; of a unit, its quantity too. */
export function sumUp(rows: readonly UsageRow[], unit?: string): Total {
  const total: Total & { firstBucket?: Date; lastBucket?: Date; quantity?: bigint } = {
    requestCount: 0,
    clientErrorCount: 0,
    serverErrorCount: 0,
    rejectedCount: 0,
    durationUs: 0,
    ...(unit !== undefined && { quantity: 0n }),
  }
  for (const row of rows) {
    for (const name of COUNTS) total[name] += row[name]
    if (row.quantity !== undefined) total.quantity = (total.quantity ?? 0n) + row.quantity
    if (!total.firstBucket || row.firstBucket < total.firstBucket) total.firstBucket = row.firstBucket
    if (!total.lastBucket || row.lastBucket > total.lastBucket) total.lastBucket = row.lastBucket
  }
  if (rows.some(({ latency }) => latency !== undefined)) {
    return { ...total, latency: mergeLatency(rows.map(({ latency }) => latency)) }
  }
  return total
}

/** Counts the keys among groups by key, without `(other)` and `(rejected)`. */
export function countKeys(rows: readonly UsageRow[]): number {
  return rows.filter(({ key }) => key && !isReservedKey(key.id)).length
}

/**
 * The numbers of a total or a group in a report, compared with those of the previous period. There is no change when the
 * database does not have all of that period.
 */
export function measureUsage(
  row: Total,
  previous?: Pick<Total, 'requestCount' | 'quantity'>,
  isComparable = true,
): Measures {
  const { requestCount: requests, clientErrorCount: clientErrors, serverErrorCount: serverErrors } = row
  return {
    requests,
    quantity: row.quantity,
    clientErrors,
    serverErrors,
    rejected: row.rejectedCount,
    errorRate: requests ? (clientErrors + serverErrors) / requests : 0,
    meanDurationMs: row.quantity !== undefined ? null : requests ? row.durationUs / requests / 1000 : 0,
    firstUsed: row.firstBucket ?? null,
    lastUsed: row.lastBucket ?? null,
    ...measureDurations(row),
    previousRequests: previous?.requestCount,
    previousQuantity: previous?.quantity,
    change: previous && (isComparable ? changeOf(amountOfRow(row), amountOfRow(previous)) : null),
  }
}

function changeOf(now: Amount, before: Amount): number | null {
  return before ? (Number(now) - Number(before)) / Number(before) : null
}

function measureDurations({ latency }: Total): Partial<Measures> {
  if (latency === undefined) return {}
  const inMs = (us: number | undefined): number | null => (us === undefined ? null : us / 1000)
  return {
    measured: latency?.measuredCount ?? 0,
    p50Ms: inMs(latency?.p50Us),
    p95Ms: inMs(latency?.p95Us),
    p99Ms: inMs(latency?.p99Us),
  }
}
