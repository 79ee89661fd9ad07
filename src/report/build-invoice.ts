import { AnalyticsError } from '../errors.ts'
import type { Period } from './period.ts'
import { buildReport } from './build-report.ts'
import type { ReportRequest, UsageSource } from './build-report.ts'
import type { UsageReport } from './usage-report.ts'

/**
 * The invoice lines of one month: one group per key, method and path with the requests to bill, sorted by key.
 * @throws WRONG_USAGE when stored rows cross a border of the month, so that it cannot be billed exactly
 */
export async function buildInvoice(
  source: UsageSource,
  request: ReportRequest & { readonly period: Period },
): Promise<UsageReport> {
  const { since, until, timeZone, month } = request.period
  if (!since || !until || !month)
    throw new AnalyticsError('WRONG_USAGE', 'An invoice needs --month, such as 2026-10.')
  const cut = await source.findStraddlingRows({ ...request.filter, since, until, timeZone })
  if (cut.rows > 0) {
    const what = cut.rows === 1 ? '1 stored row' : `${cut.rows} stored rows`
    throw new AnalyticsError(
      'WRONG_USAGE',
      `${what} with ${cut.requests} requests ${cut.rows === 1 ? 'crosses' : 'cross'} a border of ${month} in ${timeZone}, ` +
        'so the month cannot be billed exactly. Use --tz UTC; to bill in this time zone, count in narrower buckets ' +
        '(option bucket) and do not roll up a month before it is billed.',
    )
  }
  const lines = await buildReport(source, {
    ...request,
    by: ['key', 'method', 'endpoint'],
    sort: request.sort ?? 'group',
  })
  return { ...lines, report: 'invoice' }
}
