import { AnalyticsError } from '../../model/errors.ts'
import type { Period } from '../../time/period.ts'
import { amountOf, nameOfAmount } from './amount.ts'
import { buildReport, queryOf } from './build-report.ts'
import type { ReportRequest, UsageSource } from './build-report.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import type { RowSum, UsageRow } from '../../model/usage-row.ts'
import { measureUsage, sumUp } from './measure-usage.ts'
import type { InvoiceLine, Pricing } from './pricing.ts'
import type { ReportGroup, ReportSection, UsageReport } from './usage-report.ts'
import { countOf, formatCount } from '../../terminal/format-number.ts'

/** A key that changed its owner within the month has lines per owner: `key.owner`. */
const BY = ['key', 'owner', 'method', 'endpoint'] as const

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
    throw new AnalyticsError(
      'WRONG_USAGE',
      `${describeCut(cut, unit)} ${cut.rows === 1 ? 'crosses' : 'cross'} a border of ${month} in ${timeZone}, ` +
        'so the month cannot be billed exactly. Use --tz UTC; to bill in this time zone, count in narrower buckets ' +
        '(option bucket) and do not roll up a month before it is billed.',
    )
  }
  requireWholeOwners(cut.cutByOwners, unit)
  const lines = await buildReport(source, { ...request, by: BY, sort: request.sort ?? 'group' })
  return { ...lines, sections: lines.sections.map(leaveOutOwner), report: 'invoice' }
}

/**
 * The same with prices, and a line for each unit: `price` is given all lines, whatever is shown of them.
 * @throws WRONG_USAGE as buildInvoice
 */
export async function buildPricedInvoice(
  source: UsageSource,
  request: ReportRequest & { readonly period: Period },
  price: (lines: readonly InvoiceLine[]) => ReturnType<Pricing>,
): Promise<UsageReport> {
  // checks the borders, and has total and notes
  const invoice = await buildInvoice(source, { ...request, limit: 0 })
  const rows = await source.findUsage({
    ...queryOf(request, request.period),
    by: BY,
    sort: request.sort ?? 'group',
    units: true,
  })
  const lines = rows.flatMap(linesOf)
  const { prices, amounts, notes } = await price(lines)
  const groups = lines
    .map(({ row, owner: _owner, ...line }, n): ReportGroup => {
      // requests are on their own line, so that the sum over all lines is the total
      const measures = measureUsage(sumUp(line.unit === REQUESTS_UNIT ? [row] : []))
      const share = invoice.total.requests ? measures.requests / invoice.total.requests : 0
      return { ...measures, ...line, share, amount: amounts[n] ?? null }
    })
    .slice(0, request.limit ?? Number.POSITIVE_INFINITY)
  return {
    ...invoice,
    prices,
    sections: [{ by: ['key', 'method', 'endpoint'], groupCount: lines.length, groups }],
    notes: [...invoice.notes, ...notes],
  }
}

/** One line per unit; of requests none where usage was set after its request was counted. */
function linesOf(row: UsageRow): (InvoiceLine & { readonly row: UsageRow })[] {
  const { key, owner = null, method = '', endpoint = '', requestCount, quantities = [] } = row
  const { id, label, name } = key!
  const line = { key: { id, label, name, owner }, owner, method, endpoint, row }
  return [
    ...(requestCount > 0 ? [{ ...line, unit: REQUESTS_UNIT, quantity: BigInt(requestCount) }] : []),
    ...quantities
      .filter(({ quantity }) => quantity > 0n)
      .map(({ unit, quantity }) => Object.assign({ unit, quantity }, line)),
  ]
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
  throw new AnalyticsError(
    'WRONG_USAGE',
    `${describeCut(cut, unit)} ${rows === 1 ? 'holds' : 'hold'} the time of two owners, so the month cannot be billed exactly: a key ` +
      'changed its owner within an hour or a day that is one row. "apikey-analytics keys owners KEY" shows when; move the ' +
      'change to a border of the row with "apikey-analytics keys name KEY --owner OWNER --from TIME".',
  )
}

function describeCut(cut: RowSum, unit: string | undefined): string {
  const amount = amountOf(cut)
  return `${countOf(cut.rows, 'stored row')} with ${formatCount(amount)} ${nameOfAmount(unit, amount)}`
}
