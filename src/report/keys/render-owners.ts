import { formatInstant } from '../../time/calendar.ts'
import { renderHeading } from '../render/render-report.ts'
import { renderTable } from '../render/render-table.ts'
import type { Screen } from '../../terminal/screen.ts'
import { nameOfKey } from '../usage/group-names.ts'
import type { Column } from '../render/report-table.ts'
import type { KeyOwner, KeyRecord } from '../../model/key.ts'

const COLUMNS: readonly Column[] = [
  { name: 'since', title: 'From', kind: 'text' },
  { name: 'until', title: 'Until', kind: 'text' },
  { name: 'owner', title: 'Owner', kind: 'text' },
  { name: 'setBy', title: 'Said by', kind: 'text' },
]

/** Renders the owners of a key over time. */
export function renderOwners(
  key: KeyRecord,
  owners: readonly KeyOwner[],
  { databaseLabel, dataDir }: { databaseLabel: string; dataDir: string },
  screen: Screen,
): string {
  const title = `Owners of ${nameOfKey(key)}`
  const heading = renderHeading({ title, databaseLabel, dataDir }, 'times in UTC', screen)
  const rows = owners.map(({ since, until, owner, setBy }) => [
    since ? formatInstant(since, 'UTC') : 'the beginning',
    until ? formatInstant(until, 'UTC') : 'now',
    owner ?? '(none)',
    owner === null ? null : setBy,
  ])
  return `${heading}\n${renderTable({ columns: COLUMNS, rows }, screen)}`
}
