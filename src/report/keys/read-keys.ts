import { parseAge, parseInstant } from '../../time/period.ts'
import { requireKnownNames } from '../question/find-filter.ts'
import { nameOfKey } from '../usage/group-names.ts'
import { renderHeading } from '../render/render-report.ts'
import { renderTable } from '../render/render-table.ts'
import type { Screen } from '../../terminal/screen.ts'
import type { Column } from '../render/report-table.ts'
import { listKeys } from '../../store/read/find-keys.ts'
import type { Database } from '../../store/database/open-database.ts'
import type { KeyRecord } from '../../model/key.ts'

/** A key and its requests in the last 30 days. */
export type ListedKey = KeyRecord & { readonly requestCount: number }

/** Which keys to list. */
interface KeyListFlags {
  /** An age: `30d`. */
  readonly unusedFor?: string | undefined
  readonly owner?: string | undefined
}

const COLUMNS: readonly Column[] = [
  { name: 'name', title: 'Name', kind: 'text' },
  { name: 'label', title: 'Label', kind: 'text' },
  { name: 'owner', title: 'Owner', kind: 'text', dropFirst: 2 },
  { name: 'firstSeenAt', title: 'First seen', kind: 'time', dropFirst: 3 },
  { name: 'lastUsedAt', title: 'Last used', kind: 'time' },
  { name: 'requestCount', title: 'Requests 30d', kind: 'count' },
  // only where a key continues another one
  { name: 'continues', title: 'Continues', kind: 'text', dropFirst: 1 },
  { name: 'id', title: 'Id', kind: 'text', dropFirst: 4 },
]

/** Lists the keys that match the flags, last used first. @throws WRONG_USAGE */
export async function readKeys(
  db: Database,
  { unusedFor, owner }: KeyListFlags,
  now = new Date(),
): Promise<ListedKey[]> {
  const unusedSince = unusedFor === undefined ? undefined : parseAge(unusedFor, now)
  const keys = await listKeys(db, {
    requestsSince: parseInstant('30d', 'UTC', now),
    unusedSince,
    owner,
  })
  if (keys.length === 0) await requireKnownNames(db, { owner })
  return keys
}

/** Renders a list of keys. */
export function renderKeys(
  keys: readonly ListedKey[],
  { databaseLabel, dataDir, isFiltered }: { databaseLabel: string; dataDir: string; isFiltered: boolean },
  screen: Screen,
): string {
  const heading = renderHeading({ title: 'Keys', databaseLabel, dataDir }, 'times in UTC', screen)
  if (keys.length === 0) return `${heading}\n${isFiltered ? 'No keys match.' : 'No keys.'}\n`
  const names = new Map(keys.map((key) => [key.id, nameOfKey(key)]))
  const isLinked = keys.some(({ continues }) => continues !== undefined)
  // of a key that the flags leave out, its id
  const continued = ({ continues }: ListedKey): string | null =>
    continues === undefined ? null : (names.get(continues) ?? continues)
  const rows = keys.map((key) => [
    key.name,
    key.label,
    key.owner,
    key.firstSeenAt,
    key.lastUsedAt,
    key.requestCount,
    ...(isLinked ? [continued(key)] : []),
    key.id,
  ])
  const requests = keys.reduce((sum, { requestCount }) => sum + requestCount, 0)
  const total = [
    `Total of ${keys.length}`,
    null,
    null,
    null,
    null,
    requests,
    ...(isLinked ? [null] : []),
    null,
  ]
  const columns = isLinked ? COLUMNS : COLUMNS.filter(({ name }) => name !== 'continues')
  return `${heading}\n${renderTable({ columns, rows, total }, screen)}`
}
