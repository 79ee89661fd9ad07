import type { UsageRow } from '../../model/usage-row.ts'

/** Sorts groups by p95, those without a measured duration last; ties keep their order. */
export function slowestFirst(rows: readonly UsageRow[]): UsageRow[] {
  return rows.toSorted((a, b) => (b.latency?.p95Us ?? -1) - (a.latency?.p95Us ?? -1))
}
