import { AnalyticsError } from '../../model/errors.ts'
import { isMatrix } from '../usage/axes.ts'
import type { Period } from '../../time/period.ts'
import { previousPeriod } from '../../time/previous-period.ts'
import type { UsageDimension } from '../../model/usage-query.ts'
import type { ReportFlags } from './report-flags.ts'

/**
 * Refuses every flag that would not change the report. Otherwise a flag that is silently ignored would look as if it
 * worked.
 * @throws WRONG_USAGE
 */
export function checkReportFlags(
  flags: ReportFlags,
  by: readonly UsageDimension[] | undefined,
  period: Period,
): void {
  checkFormat(flags)
  checkLinks(flags, by)
  if (flags.sort === 'p95' && !flags.latency) refuseFlags('--sort p95 needs --latency.')
  if (flags.sort === 'quantity' && flags.unit === undefined) refuseFlags('--sort quantity needs --unit.')
  if (flags.unit !== undefined && flags.latency) {
    refuseFlags('A quantity has no durations: leave --latency or --unit out.')
  }
  if (flags.compare !== undefined) checkCompare(period)
  if (by && isMatrix(by) && forPeople(flags)) checkMatrix(flags)
}

function checkLinks(flags: ReportFlags, by: readonly UsageDimension[] | undefined): void {
  if (!flags['no-links'] || flags.billable !== undefined) return
  if (flags.key === undefined && by !== undefined && !by.includes('key'))
    refuseFlags('--no-links changes reports of a --key or by key: leave it out.')
}

/** Whether a format is for people, rather than for programs and spreadsheets. */
export function forPeople({ format }: Pick<ReportFlags, 'format'>): boolean {
  return format === 'table' || format === 'markdown' || format === 'html'
}

/** Refuses what an invoice does not support. @throws WRONG_USAGE */
export function checkInvoiceFlags(flags: ReportFlags): void {
  if (flags.prices !== undefined) checkPricesFlags(flags)
  if (flags.month === undefined) {
    refuseFlags('--billable makes the lines of an invoice and needs --month, such as 2026-10.')
  }
  if (flags.status) refuseFlags('Pass either --billable or --status, not both.')
  if (flags['no-links']) refuseFlags('Invoice lines are of single keys in any case: leave --no-links out.')
  if (flags.by) refuseFlags('An invoice has one line per key, method and path: leave --by out.')
  if (flags.compare !== undefined)
    refuseFlags('Invoice lines are compared with nothing: leave --compare out.')
  if (flags.latency) refuseFlags('Invoice lines have no durations: leave --latency out.')
}

function checkPricesFlags({ billable, key, endpoint, method }: ReportFlags): void {
  if (!billable) refuseFlags('--prices prices invoice lines and needs --billable, such as --billable 2xx.')
  if ([key, endpoint, method].some((filter) => filter !== undefined)) {
    refuseFlags(
      'Free quantities and tiers are shared by all keys and endpoints of a customer. Use --owner with --prices, not --key, --endpoint or --method.',
    )
  }
}

/** Refuses a flag that does not fit the format. @throws WRONG_USAGE */
export function checkFormat({ format, watch, ...flags }: ReportFlags): void {
  if (flags['csv-separator'] !== undefined && format !== 'csv')
    refuseFlags('--csv-separator needs --format csv.')
  if (flags.open && format !== 'html') refuseFlags('--open shows a page: leave --format out.')
  if (watch && (format === 'html' || !forPeople({ format })))
    refuseFlags('--watch draws for people: use --format table or markdown.')
  if (format === 'xlsx' && flags.out === undefined && process.stdout.isTTY) {
    refuseFlags('A workbook is not for a terminal. Pass --out or use a pipe.')
  }
}

function checkCompare(period: Period): void {
  if (!period.since) refuseFlags('--compare needs a period with a start: pass --since or --month.')
  if (!previousPeriod(period)) refuseFlags('--compare needs a period that has begun.')
}

function checkMatrix({ compare, latency, sort }: ReportFlags): void {
  const flag = compare !== undefined ? '--compare' : latency ? '--latency' : sort && '--sort'
  if (!flag) return
  const why = sort && flag === '--sort' ? 'is in the order of its totals' : 'has one number per cell'
  refuseFlags(`A table of two dimensions ${why}. Use --format csv or json with ${flag}, or one dimension.`)
}

function refuseFlags(message: string): never {
  throw new AnalyticsError('WRONG_USAGE', message)
}
