import { renderHeading } from '../report/render/render-report.ts'
import type { Column } from '../report/render/report-table.ts'
import type { ListedImport } from '../store/imports/find-imports.ts'
import { renderTable } from '../report/render/render-table.ts'
import type { Screen } from '../terminal/screen.ts'

const COLUMNS: readonly Column[] = [
  { name: 'import', title: 'Import', kind: 'text' },
  { name: 'name', title: 'Name', kind: 'text' },
  { name: 'format', title: 'Format', kind: 'text', dropFirst: 3 },
  { name: 'rows', title: 'Rows', kind: 'count', dropFirst: 2 },
  { name: 'requests', title: 'Requests', kind: 'count' },
  { name: 'removed', title: 'Pruned', kind: 'count', dropFirst: 4 },
  { name: 'since', title: 'From', kind: 'time' },
  { name: 'until', title: 'Until', kind: 'time' },
  { name: 'importedAt', title: 'Imported', kind: 'time', dropFirst: 1 },
]

/** Renders the list of imports. */
export function renderImports(
  imports: readonly ListedImport[],
  { databaseLabel, dataDir }: { readonly databaseLabel: string; readonly dataDir: string },
  screen: Screen,
): string {
  const heading = renderHeading({ title: 'Imports', databaseLabel, dataDir }, 'times in UTC', screen)
  if (imports.length === 0) return `${heading}\nNo imports. "apikey-analytics import FILE" makes one.\n`
  const rows = imports.map((one) => [
    String(one.import),
    one.name,
    one.format,
    one.rows,
    one.requests,
    one.removedRequests,
    one.since,
    one.until,
    one.importedAt,
  ])
  return `${heading}\n${renderTable({ columns: COLUMNS, rows }, screen)}`
}
