import type { FilterText } from './find-filter.ts'
import type { CsvSeparator } from '../render/render-csv.ts'

/** The formats of a report. */
export type ReportFormat = 'table' | 'csv' | 'json' | 'markdown' | 'html' | 'xlsx'

/** The flags of `report`, parsed. */
export interface ReportFlags extends FilterText {
  readonly by?: readonly string[] | undefined
  readonly unit?: string | undefined
  readonly sort?: string | undefined
  readonly limit?: number | undefined
  readonly compare?: string | undefined
  readonly billable?: readonly string[] | undefined
  readonly prices?: string | undefined
  readonly latency?: boolean | undefined
  readonly format: ReportFormat
  readonly 'csv-separator'?: CsvSeparator | undefined
  readonly out?: string | undefined
  readonly open?: boolean | undefined
  readonly watch?: boolean | undefined
  /** A number of whole days: the report of routes that no key has called in them. */
  readonly unused?: string | undefined
  /** The report of deprecated routes and who calls them. */
  readonly deprecated?: boolean | undefined
}
