import type { StreamQuery } from '../../model/usage-query.ts'
import type { StoredUsageRow } from '../../model/usage-row.ts'
import type { Database } from '../database/open-database.ts'
import { streamPages } from './stream-pages.ts'
import type { UsagePage } from './usage-page.ts'

/**
 * Every stored row that matches a filter, in pages and in a fixed order (bytewise): by key and bucket on SQLite, by
 * bucket and key on PostgreSQL, then by width, endpoint, method, status, import. Memory stays constant. Each page is its own
 * statement: nothing stays open while the caller uses its rows. Rows that change in the meantime are as they are when
 * their page is read.
 */
export async function* streamUsage(
  db: Database,
  query: StreamQuery = {},
): AsyncGenerator<readonly StoredUsageRow[], void, undefined> {
  for await (const page of streamPages(db, query)) yield toRows(page, query)
}

function toRows(page: UsagePage, { imports }: StreamQuery): StoredUsageRow[] {
  return page.key.map((key, row) => ({
    ...key,
    bucket: new Date(page.bucket[row]!),
    bucketMinutes: page.bucketMinutes[row]!,
    method: page.method[row]!,
    endpoint: page.endpoint[row]!,
    status: page.status[row]!,
    requestCount: page.requestCount[row]!,
    durationUs: page.durationUs[row]!,
    ...(page.latency && { latency: page.latency[row]! }),
    ...(page.quantities && { quantities: page.quantities[row]! }),
    ...(imports && { importId: page.importId![row]! }),
  }))
}
