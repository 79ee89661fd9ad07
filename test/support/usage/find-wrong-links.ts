import type { Database } from '../../../src/store/database/open-database.ts'

interface Link {
  readonly id: string
  readonly continues: string | null
  readonly line: string
}

/** What is wrong with the stored links: loops, links to keys without a row, lines named after a key that is continued. */
export async function findWrongLinks(db: Database): Promise<string[]> {
  const links = await db.query<Link>('select api_key_id as id, continues, line from api_key_analytics_links')
  const byId = new Map(links.map((link) => [link.id, link]))
  const continued = new Set(links.map(({ continues }) => continues))
  const wrong: string[] = []
  for (const { id, continues, line } of links) {
    if (continues !== null && byId.get(continues)?.line !== line) wrong.push(`${id} continues another line`)
    let steps = 0
    for (
      let before = continues;
      before && steps <= links.length;
      before = byId.get(before)?.continues ?? null
    )
      steps += 1
    if (steps > links.length) wrong.push(`${id} is in a loop`)
  }
  for (const [line, keys] of Map.groupBy(links, ({ line }) => line)) {
    if (keys.length < 2) wrong.push(`${line} is alone`)
    if (keys.filter(({ continues }) => continues === null).length !== 1)
      wrong.push(`${line} has not one first key`)
    if (!keys.some(({ id }) => id === line) || continued.has(line))
      wrong.push(`${line} is not the newest of its line`)
  }
  return wrong
}
