import type { Dialect } from './dialect/dialect.ts'

/** SQL for "this row of `api_key_analytics t` lies wholly before a time"; the first half lets an index help. */
export function endsBy(dialect: Dialect, time: string): string {
  const end = `${dialect.millisecondsOf('t.bucket')} + t.bucket_minutes * 60000`
  return `t.bucket < ${time} and ${end} <= ${dialect.millisecondsOf(time)}`
}
