import type { ImportedRow } from '../../model/imported-row.ts'
import type { ApiKeyAnalyticsImport } from '../../store/database/entities/api-key-analytics-import.ts'

/** How the rows of a file are read: which columns it needs, and what their cells mean. */
export interface RowLayout {
  readonly format: ApiKeyAnalyticsImport['format']
  /** The columns of the file that are read, in the order of the cells of `toRows`. */
  readonly columns: readonly string[]
  /** The rows of one record or object. @throws WRONG_USAGE */
  toRows(cells: readonly unknown[], line: number): readonly ImportedRow[]
}
