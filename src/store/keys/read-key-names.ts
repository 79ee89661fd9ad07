import { chunksOf } from '../../model/chunks-of.ts'
import type { Statements } from '../database/dialect.ts'
import { placeholders } from '../database/placeholders.ts'

/** Label and name of keys; a forgotten key is absent. */
export async function readKeyNames(
  tx: Statements,
  ids: readonly string[],
): Promise<Map<string, { label: string; name: string | null; owner: string | null }>> {
  const names = new Map<string, { label: string; name: string | null; owner: string | null }>()
  for (const some of chunksOf(ids, 1000)) {
    const list = placeholders(some)
    const rows = await tx.query<{ id: string; label: string; name: string | null; owner: string | null }>(
      `select id, label, name, owner from api_key_analytics_keys where id in (${list})`,
      some,
    )
    for (const { id, ...rest } of rows) names.set(id, rest)
  }
  return names
}
