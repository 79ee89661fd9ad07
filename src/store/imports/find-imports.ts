import type { Dialect, Statements } from '../database/dialect.ts'
import type { ApiKeyAnalyticsImport } from '../database/entities/api-key-analytics-import.ts'
import { DAY_MS } from '../../time/units.ts'
import { placeholders } from '../database/placeholders.ts'

/** An import as it is listed. Times are dates. */
export interface ListedImport {
  readonly import: number
  readonly name: string
  readonly format: ApiKeyAnalyticsImport['format']
  readonly sha256: string
  readonly importedAt: Date
  /** Start of its first bucket and end of its last one. */
  readonly since: Date
  readonly until: Date
  /** Of the file. */
  readonly rows: number
  readonly requests: number
  /** Pruned or forgotten since then. */
  readonly removedRequests: number
}

type Row = Pick<ListedImport, 'name' | 'format' | 'sha256'> &
  Record<
    'id' | 'imported_at' | 'since' | 'until' | 'row_count' | 'request_count' | 'removed_request_count',
    string | number
  >

const LIST = (dialect: Dialect) => `
select id, name, format, sha256, row_count, request_count, removed_request_count,
  ${['imported_at', 'since', 'until'].map((time) => `${dialect.millisecondsOf(time)} as ${time}`).join(', ')}
from api_key_analytics_imports
order by id`

/** Every import, the first one first. */
export async function findImports(db: Statements & { readonly dialect: Dialect }): Promise<ListedImport[]> {
  const rows = await db.query<Row>(LIST(db.dialect))
  return rows.map((row) => ({
    import: Number(row.id),
    name: row.name,
    format: row.format,
    sha256: row.sha256,
    importedAt: new Date(Number(row.imported_at)),
    since: new Date(Number(row.since)),
    until: new Date(Number(row.until)),
    rows: Number(row.row_count),
    requests: Number(row.request_count),
    removedRequests: Number(row.removed_request_count),
  }))
}

/** Whether the database has any import: without one, no statement needs to look for imported rows. */
export async function hasImports(db: Statements): Promise<boolean> {
  return (await db.query('select 1 from api_key_analytics_imports limit 1')).length > 0
}

/** The import of a file with this hash. */
export async function findSameFile(
  tx: Statements,
  sha256: string,
): Promise<{ id: number; name: string } | undefined> {
  const [found] = await tx.query<{ id: number; name: string }>(
    'select id, name from api_key_analytics_imports where sha256 = $1',
    [sha256],
  )
  return found
}

/** Imports and their removals come one after the other. Nobody else waits. SQLite has one write lock. */
export async function lockImports(tx: Statements, dialect: Dialect): Promise<void> {
  if (dialect.kind === 'sqlite') return
  await tx.query('lock table api_key_analytics_imports in share update exclusive mode')
}

/** Counted rows in a period, whole days at its start: a day row may reach into it. */
const COUNTED = (dialect: Dialect) => `
select count(*) as rows, coalesce(sum(t.request_count), 0) as requests,
  ${dialect.millisecondsOf('min(t.bucket)')} as first, ${dialect.millisecondsOf('max(t.bucket)')} as last
from api_key_analytics t
where t.import_id = 0 and t.bucket >= ${dialect.timeOf('$1')} and t.bucket < ${dialect.timeOf('$2')}
  and ${dialect.millisecondsOf('t.bucket')} + t.bucket_minutes * 60000 > $3`

/** What is stored of a period already. */
export interface StoredOfPeriod {
  readonly counted: {
    readonly rows: number
    readonly requests: number
    readonly first: Date
    readonly last: Date
  } | null
  readonly imports: readonly ListedImport[]
}

/** Finds counted rows and other imports in a period: what is imported there may be counted twice. */
export async function findStoredOfPeriod(
  db: Statements & { readonly dialect: Dialect },
  { since, until }: { readonly since: number; readonly until: number },
): Promise<StoredOfPeriod> {
  type Found = Record<'rows' | 'requests' | 'first' | 'last', string | number | null>
  const [found] = await db.query<Found>(COUNTED(db.dialect), [since - DAY_MS, until, since])
  const imports = (await findImports(db)).filter(
    (one) => one.since.getTime() < until && one.until.getTime() > since && one.removedRequests < one.requests,
  )
  const rows = Number(found!.rows)
  const counted =
    rows === 0
      ? null
      : {
          rows,
          requests: Number(found!.requests),
          first: new Date(Number(found!.first)),
          last: new Date(Number(found!.last)),
        }
  return { counted, imports }
}

/** Which of some keys are stored already. */
export async function findStoredKeys(
  db: Statements & { readonly dialect: Dialect },
  ids: readonly string[],
): Promise<Set<string>> {
  const list = placeholders(ids)
  const found = await db.query<{ id: string }>(
    `select id from api_key_analytics_keys where id in (${list})`,
    ids,
  )
  return new Set(found.map(({ id }) => id))
}
