import { MINUTE_MS } from '../../time/units.ts'
import type { BucketMinutes } from '../../model/batch.ts'
import type { Dialect } from '../database/dialect.ts'

const WIDTHS = [1, 60, 1440] satisfies BucketMinutes[]

/** SQL for "this row of `api_key_analytics t` ends before a time"; the first half allows the use of an index. */
export function endsBy(dialect: Dialect, time: string): string {
  // Computes nothing from the columns: Citus cannot delete by a condition that computes times from them.
  const fits = WIDTHS.map((minutes) => {
    const lastStart = dialect.timeOf(`(${dialect.millisecondsOf(time)} - ${minutes * MINUTE_MS})`)
    return `t.bucket_minutes = ${minutes} and t.bucket <= ${lastStart}`
  })
  return `t.bucket < ${time} and (${fits.join(' or ')})`
}
