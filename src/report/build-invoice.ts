import { AnalyticsError } from '../model/errors.ts'
import type { Period } from '../time/period.ts'
import { amountOf, nameOfAmount } from './amount.ts'
import { buildReport } from './build-report.ts'
import type { ReportRequest, UsageSource } from './build-report.ts'
import type { RowSum } from '../model/usage-row.ts'
import type { ReportSection, UsageReport } from './usage-report.ts'

/**
 * The invoice lines of one month: one group per key, method and path with the requests or the quantity to bill, sorted by
 * key.
 * @throws WRONG_USAGE when stored rows cross a border of the month, because the month cannot be billed exactly then
 */
export async function buildInvoice(
  source: UsageSource,
  request: ReportRequest & { readonly period: Period },
): Promise<UsageReport> {
  const { since, until, timeZone, month } = request.period
  const { unit } = request
  if (!since || !until || !month)
    throw new AnalyticsError('WRONG_USAGE', 'An invoice needs --month, such as 2026-10.')
  const cut = await source.findStraddlingRows({
    ...request.filter,
    unit,
    since,
    until,
    timeZone,
    by: ['owner'],
  })
  if (cut.rows > 0) {
    const what = cut.rows === 1 ? '1 stored row' : `${cut.rows} stored rows`
    throw new AnalyticsError(
      'WRONG_USAGE',
      `${what} with ${amountOf(cut)} ${nameOfAmount(unit)} ${cut.rows === 1 ? 'crosses' : 'cross'} a border of ${month} in ${timeZone}, ` +
        'so the month cannot be billed exactly. Use --tz UTC; to bill in this time zone, count in narrower buckets ' +
        '(option bucket) and do not roll up a month before it is billed.',
    )
  }
  requireWholeOwners(cut.cutByOwners, unit)
  const lines = await buildReport(source, {
    ...request,
    // a key that changed its owner within the month has lines per owner: `key.owner`
    by: ['key', 'owner', 'method', 'endpoint'],
    sort: request.sort ?? 'group',
  })
  return { ...lines, sections: lines.sections.map(leaveOutOwner), report: 'invoice' }
}

function leaveOutOwner({ by, groups, ...section }: ReportSection): ReportSection {
  return {
    ...section,
    by: by.filter((dimension) => dimension !== 'owner'),
    groups: groups.map(({ owner: _owner, ...group }) => group),
  }
}

/** @throws WRONG_USAGE when a row contains the time of two owners */
function requireWholeOwners(cut: RowSum | undefined, unit: string | undefined): void {
  if (!cut || cut.rows === 0) return
  const { rows } = cut
  const [what, hold] = rows === 1 ? ['1 stored row', 'holds'] : [`${rows} stored rows`, 'hold']
  throw new AnalyticsError(
    'WRONG_USAGE',
    `${what} with ${amountOf(cut)} ${nameOfAmount(unit)} ${hold} the time of two owners, so the month cannot be billed exactly: a key ` +
      'changed its owner within an hour or a day that is one row. "apikey-analytics keys owners KEY" shows when; move the ' +
      'change to a border of the row with "apikey-analytics keys name KEY --owner OWNER --from TIME".',
  )
}
