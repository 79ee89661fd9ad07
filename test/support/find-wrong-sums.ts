import type { Database } from '../../src/store/database/open-database.ts'
import { JOIN_FORMER_OWNER } from '../../src/store/read/owner-of-rows.ts'

/** The sums of owners that differ from the rows that they stand for; also those that should not be there. */
export async function findWrongSums(db: Database): Promise<object[]> {
  const millisecondsOf = (time: string) => db.dialect.millisecondsOf(time)
  const of = (table: string, unit: string, quantity: string) => `
select case when o.api_key_id is null then k.owner else o.owner end as owner,
  ${millisecondsOf('t.bucket')} - ${millisecondsOf('t.bucket')} % 900000 as bucket,
  t.endpoint, t.method, t.status, ${unit} as unit, 0 as sums, t.request_count, ${quantity} as quantity
from ${table} t
join api_key_analytics_keys k on k.id = t.api_key_id
${JOIN_FORMER_OWNER}`
  return db.query<object>(`
select owner, bucket, endpoint, method, status, unit, sum(request_count) as requests, sum(quantity) as quantity
from (
  ${of('api_key_analytics', "'requests'", 't.request_count')}
  union all ${of('api_key_analytics_quantities', 't.unit', 't.quantity')}
  union all
  select owner, ${millisecondsOf('bucket')}, endpoint, method, status, unit, 1, -request_count, -quantity
  from api_key_analytics_owner_usage
) rows
where owner is not null
group by owner, bucket, endpoint, method, status, unit
having sum(request_count) <> 0 or sum(quantity) <> 0 or sum(sums) = count(*)`)
}
