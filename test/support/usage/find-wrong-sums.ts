import type { Database } from '../../../src/store/database/open-database.ts'
import { JOIN_FORMER_OWNER } from '../../../src/store/read/owner-of-rows.ts'

/** The sums of owners that differ from the rows that they stand for; also those that should not be there. */
export async function findWrongSums(db: Database): Promise<object[]> {
  const millisecondsOf = (time: string) => db.dialect.millisecondsOf(time)
  const bucket = millisecondsOf('t.bucket')
  const dayOf = (time: string) =>
    db.dialect.kind === 'sqlite'
      ? `strftime('%d', ${time} / 1000, 'unixepoch')`
      : `to_char(to_timestamp(${time} / 1000) at time zone 'UTC', 'DD')`
  // of an operation: a day, but a quarter of an hour on the first and last day of a month
  const length = `case when ${dayOf(bucket)} = '01' or ${dayOf(`(${bucket} + 86400000)`)} = '01' then 900000 else 86400000 end`
  const of = (table: string, unit: string, quantity: string) =>
    [
      { length, operation: 't.endpoint, t.method' },
      { length: '900000', operation: "'', ''" },
    ]
      .map(
        (sum) => `
select case when o.api_key_id is null then k.owner else o.owner end as owner,
  ${bucket} - ${bucket} % ${sum.length} as bucket,
  ${sum.operation}, t.status, ${unit} as unit, 0 as sums, t.request_count, ${quantity} as quantity
from ${table} t
join api_key_analytics_keys k on k.id = t.api_key_id
${JOIN_FORMER_OWNER}
where t.import_id = 0`,
      )
      .join(' union all ')
  return db.query<object>(`
select owner, bucket, endpoint, method, status, unit, sum(request_count) as requests, sum(quantity) as quantity
from (
  select '' as owner, 0 as bucket, '' as endpoint, '' as method, 0 as status, '' as unit, 0 as sums, 0 as request_count, 0 as quantity
  where false
  union all ${of('api_key_analytics', "'requests'", 't.request_count')}
  union all ${of('api_key_analytics_quantities', 't.unit', 't.quantity')}
  union all
  select owner, ${millisecondsOf('bucket')}, endpoint, method, status, unit, 1, -request_count, -quantity
  from api_key_analytics_owner_usage
) rows
where owner is not null
group by owner, bucket, endpoint, method, status, unit
having sum(request_count) <> 0 or sum(quantity) <> 0 or sum(sums) = count(*)`)
}
