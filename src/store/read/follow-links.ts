import type { UsageFilter, UsageDimension } from '../../model/usage-query.ts'
import type { Statements } from '../database/dialect.ts'
import { findLines, hasLinks, withLines } from '../keys/key-lines.ts'

/** A query whose keys are all keys of their lines. */
export interface FollowedQuery<Query> {
  readonly query: Query
  /** Whether a group by key may stand for several keys. Without links the statements are as without this feature. */
  readonly hasLines: boolean
}

/** Replaces the keys of a query by all keys of their lines, unless it asks for each key alone. */
export async function followLinks<
  Query extends UsageFilter & { readonly by?: readonly UsageDimension[] | undefined },
>(db: Statements, query: Query): Promise<FollowedQuery<Query>> {
  if (query.links === false) return { query, hasLines: false }
  if (query.keyIds === undefined) {
    return { query, hasLines: (query.by?.includes('key') ?? false) && (await hasLinks(db)) }
  }
  const lines = await findLines(db, query.keyIds)
  return lines.size === 0
    ? { query, hasLines: false }
    : { query: { ...query, keyIds: withLines(query.keyIds, lines) }, hasLines: true }
}
