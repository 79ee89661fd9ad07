import { parseStatus } from '../question/parse-filter.ts'
import { axesOf, nameOfAxis } from './axes.ts'
import { buildInvoice, buildPricedInvoice } from './build-invoice.ts'
import { buildReport, queryOf } from './build-report.ts'
import type { ReportRequest } from './build-report.ts'
import type { FilterText, FoundFilter } from '../question/find-filter.ts'
import { noteClosing } from '../notes/note-closing.ts'
import { noteImported, noteLeftOut } from '../notes/note-imported.ts'
import { noteMissing, noteUndelivered } from '../notes/note-undelivered.ts'
import type { Pricing } from './pricing.ts'
import type { ReportHeading } from '../render/render-report.ts'
import { nameOfKey } from './group-names.ts'
import { describeLine, nameKeysOf } from '../question/line-of-key.ts'
import type { KeyRecord } from '../../model/key.ts'
import type { UsageReport } from './usage-report.ts'
import { atOneMoment } from './usage-source.ts'
import type { UsageDimension } from '../../model/usage-query.ts'
import type { Database } from '../../store/database/open-database.ts'
import { nameOfEndpoint } from '../../store/read/usage-filter.ts'

/** A report request with a parsed filter. */
export interface ReportOrder {
  /** The filter as given: the title names it. */
  readonly text: FilterText
  readonly found: FoundFilter
  readonly request: Omit<ReportRequest, 'period' | 'filter'>
  /** Makes invoice lines of the requests with these statuses. */
  readonly billable?: readonly string[] | undefined
  /** Adds what the invoice lines cost. */
  readonly pricing?: Pricing | undefined
}

/** A report and its heading. */
export interface HeadedReport {
  readonly report: UsageReport
  readonly heading: ReportHeading
  /** The keys that it is about, oldest first, where it is about the line of a key. */
  readonly line?: readonly KeyRecord[]
}

/** Builds a report and notes what is not in it yet. All its numbers are of one moment. */
export async function runReport(
  db: Database,
  { text, found, request, billable, pricing }: ReportOrder,
  dataDir: string,
): Promise<HeadedReport> {
  const { period, filter, key } = found
  const asked = { ...request, period, filter }
  const report = await atOneMoment(db, async (source, snapshot) => {
    if (!billable) {
      const built = await buildReport(source, asked)
      return withNotes(built, await noteImported(snapshot, queryOf(asked, period)))
    }
    const billed = {
      ...asked,
      filter: { ...filter, links: false, status: billable.map(parseStatus), imported: false },
    }
    const invoice = pricing
      ? await buildPricedInvoice(source, billed, (lines) => pricing(snapshot, lines))
      : await buildInvoice(source, billed)
    return withNotes(invoice, await noteLeftOut(snapshot, queryOf(billed, period)))
  })
  const line = key && found.line
  const notes = [
    ...report.notes,
    ...(billable && line
      ? [`${nameKeysOf(line)}. An invoice has lines of single keys: these are those of ${nameOfKey(key)}.`]
      : []),
    ...(await noteUndelivered(db, dataDir)),
    ...(billable ? [...(await noteMissing(db, request.unit)), ...(await noteClosing(db, period))] : []),
  ]
  const isTitled = !billable && !request.by
  const title = billable ? `Invoice lines of ${period.month}` : titleOfReport(found, request.by)
  const filters = describeFilters(
    isTitled ? { ...text, owner: undefined } : text,
    found,
    billable,
    request.unit,
  )
  return {
    report: { ...report, notes },
    heading: {
      title: title + filters,
      databaseLabel: db.databaseLabel,
      dataDir,
      ...(line && !billable && { line: describeLine(key, line) }),
    },
    ...(line && !billable && { line }),
  }
}

function withNotes(report: UsageReport, notes: readonly string[]): UsageReport {
  return { ...report, notes: [...report.notes, ...notes] }
}

/** A report for `--json`: the heading's facts first. */
export function toReportJson({ report, heading, line }: HeadedReport): object {
  const { report: kind, ...rest } = report
  return {
    report: kind,
    title: heading.title,
    database: heading.databaseLabel,
    dataDir: heading.dataDir,
    ...(line && { line }),
    ...rest,
  }
}

function titleOfReport({ key, filter }: FoundFilter, by: readonly UsageDimension[] | undefined): string {
  const of = [
    key && nameOfKey(key),
    filter.endpoint && `${filter.method ?? ''} ${nameOfEndpoint(filter.endpoint)}`.trim(),
  ]
  const what = of.filter(Boolean).join(' on ')
  if (!by) return filter.owner === undefined ? 'Usage overview' : `Usage of customer ${filter.owner}`
  if (what && by.join() === 'method,endpoint') return `Endpoints of ${what}`
  if (filter.endpoint !== undefined && !key && by.join() === 'key') return `Who calls ${what}`
  return `Usage${what && ` of ${what}`} by ${axesOf(by).map(nameOfAxis).join(' and ')}`
}

function describeFilters(
  { owner, status, method }: FilterText,
  { filter }: FoundFilter,
  billable: readonly string[] | undefined,
  unit: string | undefined,
): string {
  const filters = [
    unit !== undefined && `unit ${unit}`,
    owner !== undefined && `owner ${owner}`,
    method !== undefined && filter.endpoint === undefined && `method ${filter.method}`,
    status && `status ${status.join(', ')}`,
    billable && `status ${billable.join(', ')}`,
  ].filter(Boolean)
  return filters.length > 0 ? ` (${filters.join('; ')})` : ''
}
