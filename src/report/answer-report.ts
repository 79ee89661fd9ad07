import type { Database } from '../store/database/open-database.ts'
import type { Screen } from '../terminal/screen.ts'
import { forPeople } from './question/check-report-flags.ts'
import type { SecretInput } from './question/find-key.ts'
import type { Pricing } from './usage/pricing.ts'
import { readReport } from './usage/read-report.ts'
import { renderReportAs } from './render/render-report-as.ts'
import type { CsvSeparator } from './render/render-csv.ts'
import type { ReportFlags, ReportFormat } from './question/report-flags.ts'
import { checkRouteFlags } from './routes/check-route-flags.ts'
import { renderList, renderListXlsx, toListJson } from './render/list-report.ts'
import type { ListReport } from './render/list-report.ts'
import { readDeprecated } from './routes/read-deprecated.ts'
import { readUnused } from './routes/read-unused.ts'
import { toReportJson } from './usage/run-report.ts'

/** A report that can be written in every format. */
export interface ReportAnswer {
  /** What the heading says beside the facts: for formats that have none. */
  readonly notes: readonly string[]
  render(format: Exclude<ReportFormat, 'xlsx'>, screen: Screen, separator?: CsvSeparator): string
  workbook(): Promise<AsyncIterable<Uint8Array>>
  toJson(): object
}

const DEFAULT_LINES = 20

/** Reads the report that the flags ask for: of usage, or of routes. @throws WRONG_USAGE */
export async function answerReport(
  db: Database,
  flags: ReportFlags,
  location: SecretInput & { readonly dataDir: string },
  pricing?: Pricing,
): Promise<ReportAnswer> {
  if (flags.unused !== undefined || flags.deprecated)
    return answerRoutes(await readRoutes(db, flags, location))
  const headed = await readReport(db, flags, location, pricing)
  return {
    notes: [headed.heading.line ?? [], headed.report.notes].flat(),
    render: (format, screen, separator) => renderReportAs(format, headed, screen, separator),
    async workbook() {
      const { renderUsageXlsx } = await import('./render/render-usage-xlsx.ts')
      return renderUsageXlsx(headed.report)
    },
    toJson: () => toReportJson(headed),
  }
}

/** A list in every format. */
export function answerRoutes(list: ListReport): ReportAnswer {
  return {
    notes: list.notes,
    render: (format, screen, separator) => renderList(list, format, screen, separator),
    workbook: () => renderListXlsx(list),
    toJson: () => toListJson(list),
  }
}

async function readRoutes(
  db: Database,
  flags: ReportFlags,
  location: { readonly dataDir: string },
): Promise<ListReport> {
  checkRouteFlags(flags)
  const most = flags.limit ?? (forPeople(flags) ? DEFAULT_LINES : 0)
  const limit = most === 0 ? Number.POSITIVE_INFINITY : most
  const { unused, tz = 'UTC' } = flags
  return unused === undefined
    ? readDeprecated(db, { ...flags, tz, limit }, location)
    : readUnused(db, { unused, limit }, location)
}
