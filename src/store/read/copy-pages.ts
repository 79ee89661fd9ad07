import type { StreamQuery } from '../../model/usage-query.ts'
import { decodeCopy } from '../database/postgresql/decode-copy.ts'
import type { CopyType } from '../database/postgresql/decode-copy.ts'
import type { Dialect, DatabaseSession } from '../database/dialect.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { filterUsage } from './usage-filter.ts'
import { DURATION_COLUMNS, IMPORT_COLUMNS, USAGE_COLUMNS, toPage } from './usage-page.ts'
import type { KeylessPage, StoredColumns } from './usage-page.ts'

/** Large enough that the cost per page is small, small enough that V8 frees a page early. */
const PAGE_ROWS = 500

const TYPES: Readonly<Record<keyof StoredColumns, CopyType>> = {
  keyId: 'uuid',
  bucket: 'timestamptz',
  bucketMinutes: 'integer',
  method: 'text',
  endpoint: 'text',
  status: 'integer',
  requestCount: 'integer',
  durationUs: 'integer',
  durationFirstBin: 'integer',
  durationBins: 'integer[]',
  importId: 'integer',
}

/** Stored rows in pages, by one statement. The server reads ahead, and all rows are of one moment. */
export async function* copyPages(
  { dialect }: { readonly dialect: Dialect },
  copy: NonNullable<DatabaseSession['copy']>,
  query: StreamQuery,
): AsyncGenerator<KeylessPage, void, undefined> {
  const { sql, params, names } = writeCopyStatement(dialect, query)
  const types = names.map((name) => TYPES[name])
  for await (const columns of decodeCopy(copy(sql, params), types, PAGE_ROWS)) {
    const named = Object.fromEntries(names.map((name, index) => [name, columns[index]]))
    yield toPage(named as unknown as StoredColumns)
  }
}

/** The statement that selects the rows, and the names of its columns. */
export function writeCopyStatement(
  dialect: Dialect,
  query: StreamQuery,
): { sql: string; params: unknown[]; names: (keyof StoredColumns)[] } {
  const parameters = new SqlParameters()
  const columns = {
    ...USAGE_COLUMNS,
    ...(query.latency && DURATION_COLUMNS),
    ...(query.imports && IMPORT_COLUMNS),
  }
  const sql = `select ${Object.values(columns).join(', ')}
from api_key_analytics t
where ${filterUsage(dialect, query, parameters)}
order by ${dialect.storedOrder.map((column) => `t.${column}`).join(', ')}`
  return { sql, params: parameters.values, names: Object.keys(columns) as (keyof StoredColumns)[] }
}
