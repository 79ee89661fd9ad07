import type { ApiKeyAnalyticsPrune } from '../database/entities/api-key-analytics-prune.ts'
import { readClosedPeriods } from '../billing/closed-periods.ts'
import { findCutDays } from '../remove/roll-up-usage.ts'
import { endsBy } from './ends-by.ts'
import type { Database } from '../database/open-database.ts'
import { inDayOfTransfer } from './owner-of-rows.ts'
import { DAY_MS } from '../../time/units.ts'

/** Counts that arrived after their time was pruned or rolled up. They are stored and counted like all others. */
export interface LateUsage {
  readonly action: Extract<ApiKeyAnalyticsPrune['action'], 'prune' | 'roll up'>
  /** Everything that begins before this was pruned or rolled up. */
  readonly before: Date
  /** The one key that was pruned; null for all keys. */
  readonly keyId: string | null
  readonly rows: number
  readonly requests: number
}

/** Finds rows older than the newest border of all prunes, of their key's own prunes, or of all roll-ups. */
export async function listLateUsage(db: Database): Promise<LateUsage[]> {
  const { dialect } = db
  const cutDays = findCutDays(await readClosedPeriods(db, dialect))
  const inCutDay = cutDays
    .map(
      (day) =>
        `or t.bucket >= ${dialect.timeOf(String(day))} and t.bucket < ${dialect.timeOf(String(day + DAY_MS))}`,
    )
    .join(' ')
  const found = await db.query<Late>(
    `select b.action, b.api_key_id, ${db.dialect.millisecondsOf('b.border')} as border,
  count(*) as rows, sum(t.request_count) as requests
from (
  select action, api_key_id, max(before) as border
  from api_key_analytics_prunes
  where before is not null
  group by action, api_key_id
) b
join api_key_analytics t on t.import_id = 0 and ${endsBy(db.dialect, 'b.border')}
  and (b.action = 'prune' or t.bucket_minutes < 1440 and not (${inDayOfTransfer(db.dialect)} ${inCutDay}))
  and (b.api_key_id is null or b.api_key_id = t.api_key_id)
group by b.action, b.api_key_id, b.border
order by b.action, b.api_key_id nulls first`,
  )
  return found.map(({ action, api_key_id, border, rows, requests }) => ({
    action,
    before: new Date(Number(border)),
    keyId: api_key_id,
    rows: Number(rows),
    requests: Number(requests),
  }))
}

interface Late {
  readonly action: LateUsage['action']
  readonly api_key_id: string | null
  readonly border: string
  readonly rows: string
  readonly requests: string
}
