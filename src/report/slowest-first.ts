import type { UsageRow } from '../model/usage-row.ts'

/** Groups by their p95, those without a measured duration last; ties stay in the order in which they come. */
export function slowestFirst(rows: readonly UsageRow[]): UsageRow[] {
  return rows.toSorted((a, b) => (b.latency?.p95Us ?? -1) - (a.latency?.p95Us ?? -1))
}
