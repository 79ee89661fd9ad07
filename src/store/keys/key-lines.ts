import type { Statements } from '../database/dialect.ts'
import type { Database } from '../database/open-database.ts'
import { isUuid } from '../../model/uuid.ts'
import { placeholders } from '../database/placeholders.ts'

/** Keys that continue each other: for people they are one key. */
export interface KeyLine {
  /** The key under which reports show the line. */
  readonly newest: string
  /** In the order of ids. */
  readonly keyIds: readonly string[]
}

/** The line of each key that has one. */
export type KeyLines = ReadonlyMap<string, KeyLine>

/** More ids than this are not listed in a statement: then all links are read. */
const MOST_IDS = 1000

/**
 * The lines of some keys, or all lines: by the id of each of their keys. Keys without links, and what is no id, are not in
 * it.
 */
export async function findLines(db: Statements, keyIds?: readonly string[]): Promise<KeyLines> {
  const ids = keyIds?.filter(isUuid).map((id) => id.toLowerCase())
  if (ids?.length === 0) return new Map()
  const listed = ids && ids.length <= MOST_IDS ? ids : undefined
  const rows = await db.query<{ id: string; line: string }>(
    `select api_key_id as id, line
from api_key_analytics_links
where ${listed ? inLinesOf(listed) : 'true'}
order by api_key_id`,
    listed,
  )
  const lines = [...Map.groupBy(rows, ({ line }) => line)].flatMap(([newest, keys]) => {
    const line = { newest, keyIds: keys.map(({ id }) => id) }
    return line.keyIds.map((id): [string, KeyLine] => [id, line])
  })
  return new Map(lines)
}

/** SQL for the rows of `api_key_analytics_links` that are in the lines of some keys; the ids are the parameters. */
export function inLinesOf(keyIds: readonly string[]): string {
  const list = placeholders(keyIds)
  return `line in (select line from api_key_analytics_links where api_key_id in (${list}))`
}

/** Whether any keys are linked: one look-up. */
export async function hasLinks(db: Statements): Promise<boolean> {
  return (await db.query('select 1 from api_key_analytics_links limit 1')).length > 0
}

/** The same keys with all keys of their lines. */
export function withLines(keyIds: readonly string[], lines: KeyLines): string[] {
  return [...new Set(keyIds.flatMap((id) => lines.get(id.toLowerCase())?.keyIds ?? [id]))]
}

/**
 * Makes all that change links wait for each other, so that two of them cannot make a loop. Reads and flushes go on.
 * Comes before any lock on a key, and after `lockStatements`. SQLite has one write lock.
 */
export async function lockLinks(tx: Statements, { dialect }: Pick<Database, 'dialect'>): Promise<void> {
  if (dialect.kind === 'sqlite') return
  await tx.query('lock table api_key_analytics_links in share row exclusive mode')
}
