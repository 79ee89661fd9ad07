import { AnalyticsError } from '../errors.ts'
import type { Database } from './open-database.ts'
import { Parameters } from './usage-filter.ts'

/** As long as names and owners that come from the app. */
const MAX_LENGTH = 200

/**
 * Gives a key a name, an owner, or both; null takes it away, absent leaves it as it is.
 * @throws OPTION_INVALID for a text that cannot be stored, WRONG_USAGE when there is no such key
 */
export async function nameKey(
  db: Database,
  id: string,
  names: { readonly name?: string | null; readonly owner?: string | null },
): Promise<void> {
  const parameters = new Parameters()
  const changes = (['name', 'owner'] as const)
    .filter((column) => names[column] !== undefined)
    .map((column) => `${column} = ${parameters.add(requireText(column, names[column] ?? null))}`)
  if (changes.length === 0) return
  const named = await db.query(
    `update api_key_analytics_keys
set ${changes.join(', ')}
where id = ${parameters.add(id)}
returning id`,
    parameters.values,
  )
  if (named.length === 0) throw new AnalyticsError('WRONG_USAGE', `There is no key ${id} in ${db.place}.`)
}

function requireText(column: string, text: string | null): string | null {
  if (text === null || (text !== '' && text.length <= MAX_LENGTH && !text.includes('\0'))) return text
  throw new AnalyticsError('OPTION_INVALID', `A ${column} needs 1 to ${MAX_LENGTH} characters, without NUL.`)
}
