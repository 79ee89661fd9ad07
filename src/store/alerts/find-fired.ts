import type { AlertCandidate } from '../../model/alert.ts'
import type { Database } from '../database/open-database.ts'
import { findLines } from '../keys/key-lines.ts'

/**
 * The candidates that did not fire yet in their period. One that fired with the same or a higher level did: raising a
 * limit arms its thresholds again, lowering it does not. Keys that are linked are one: what fired for one of them does
 * not fire again for another.
 */
export async function findNew(
  db: Database,
  candidates: readonly AlertCandidate[],
): Promise<AlertCandidate[]> {
  if (candidates.length === 0) return []
  const since = Math.min(...candidates.map(({ since }) => since.getTime()))
  const fired = await db.query<FiredRow>(
    `select kind, api_key_id as "keyId", owner, subject, ${db.dialect.millisecondsOf('since')} as since, threshold,
  cast(level as text) as level
from api_key_analytics_alerts
where until > ${db.dialect.timeOf('$1')}`,
    [since],
  )
  const ids = [...candidates, ...fired].flatMap(({ keyId }) => keyId ?? [])
  const lines = await findLines(db, [...new Set(ids)])
  const nameOfLine = ({ keyId, ...rest }: Parameters<typeof nameOfCandidate>[0]): string =>
    nameOfCandidate({ ...rest, keyId: keyId && (lines.get(keyId)?.newest ?? keyId) })
  const levels = new Map<string, bigint>()
  for (const row of fired) {
    const name = nameOfLine({ ...row, since: new Date(Number(row.since)) })
    const level = BigInt(row.level)
    if (level > (levels.get(name) ?? -1n)) levels.set(name, level)
  }
  const found: AlertCandidate[] = []
  for (const candidate of candidates) {
    const name = nameOfLine(candidate)
    if ((levels.get(name) ?? -1n) >= candidate.level) continue
    levels.set(name, candidate.level)
    found.push(candidate)
  }
  return found
}

interface FiredRow {
  readonly kind: string
  readonly keyId: string | null
  readonly owner: string | null
  readonly subject: string
  readonly since: string | number
  readonly threshold: number | null
  readonly level: string
}

type Named = Pick<AlertCandidate, 'kind' | 'keyId' | 'owner' | 'subject' | 'since' | 'threshold'>

/** What fires once: the subject, its period and the threshold. */
export function nameOfCandidate({
  kind,
  keyId,
  owner,
  subject,
  since,
  threshold,
}: Omit<Named, 'kind'> & { kind: string }): string {
  return JSON.stringify([kind, keyId, owner, subject, since.getTime(), threshold])
}
