import { isReservedKey } from '../usage.ts'
import type { UsageRow } from '../usage.ts'
import type { Measures } from './usage-report.ts'

/** What rows of usage add up to; without rows there is no first and no last bucket. */
export type Total = Record<(typeof COUNTS)[number], number> &
  Partial<Pick<UsageRow, 'firstBucket' | 'lastBucket'>>

const COUNTS = [
  'requestCount',
  'clientErrorCount',
  'serverErrorCount',
  'rejectedCount',
  'durationUs',
] as const

/** Adds groups up that share no request. */
export function sumUp(rows: readonly UsageRow[]): Total {
  const total: Total & { firstBucket?: Date; lastBucket?: Date } = {
    requestCount: 0,
    clientErrorCount: 0,
    serverErrorCount: 0,
    rejectedCount: 0,
    durationUs: 0,
  }
  for (const row of rows) {
    for (const name of COUNTS) total[name] += row[name]
    if (!total.firstBucket || row.firstBucket < total.firstBucket) total.firstBucket = row.firstBucket
    if (!total.lastBucket || row.lastBucket > total.lastBucket) total.lastBucket = row.lastBucket
  }
  return total
}

/** How many keys there are among groups by key: `(other)` and `(rejected)` are none. */
export function countKeys(rows: readonly UsageRow[]): number {
  return rows.filter(({ key }) => key && !isReservedKey(key.id)).length
}

/** The numbers of a total or a group as a report has them, compared with the requests in the period before. */
export function measure(row: Total, previousRequests?: number): Measures {
  const { requestCount: requests, clientErrorCount: clientErrors, serverErrorCount: serverErrors } = row
  return {
    requests,
    clientErrors,
    serverErrors,
    rejected: row.rejectedCount,
    errorRate: requests ? (clientErrors + serverErrors) / requests : 0,
    meanDurationMs: requests ? row.durationUs / requests / 1000 : 0,
    firstUsed: row.firstBucket ?? null,
    lastUsed: row.lastBucket ?? null,
    ...(previousRequests !== undefined && {
      previousRequests,
      change: previousRequests ? (requests - previousRequests) / previousRequests : null,
    }),
  }
}
