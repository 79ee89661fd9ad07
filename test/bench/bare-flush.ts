import Database from 'better-sqlite3'
import pg from 'pg'
import { renderBins } from '../../src/model/duration-bins.ts'
import { addHistogramFunctions } from '../../src/store/database/sqlite/sqlite-histogram.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { writeAddCells } from '../../src/store/write/record-batch.ts'
import { CELL_COLUMNS } from '../../src/store/write/row-columns.ts'
import type { Batch, BatchRow } from '../../src/model/batch.ts'

/** Writes the cells of a batch in one transaction, with nothing of ours but the SQL: no ledger, no keys. */
export interface BareFlush {
  write(batch: Batch): Promise<void>
  close(): Promise<void>
}

/** The statement of a flush through `pg`, for as many rows at a time as the batch gives. */
export async function openPostgresql(url: string, batch: Batch): Promise<BareFlush> {
  const { dialect } = await insertKeys(url, batch)
  const given = (rows: readonly BatchRow[]) => dialect.givenRows(CELL_COLUMNS, rows.map(toCells), 3)
  const sql = writeAddCells(dialect, given([]).sql)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    async write(batch) {
      await client.query('begin')
      for await (const rows of batch.rows()) {
        await client.query(sql, [batch.bucket, batch.bucketMinutes, ...given(rows).params])
      }
      await client.query('commit')
    },
    close: () => client.end(),
  }
}

/** The statement of a flush through better-sqlite3. */
export async function openSqlite(url: string, batch: Batch): Promise<BareFlush> {
  const { dialect } = await insertKeys(url, batch)
  const given = (rows: readonly BatchRow[]) => dialect.givenRows(CELL_COLUMNS, rows.map(toCells), 3)
  return openFile(url, writeAddCells(dialect, given([]).sql), (rows) => [given(rows).params])
}

/** A statement for one row through better-sqlite3, run for each: how it is mostly used. */
export async function openSqliteByRow(url: string, batch: Batch): Promise<BareFlush> {
  const { dialect } = await insertKeys(url, batch)
  const fields = Object.keys(CELL_COLUMNS).map((name, index) => `$${index + 3} as ${name}`)
  return openFile(url, writeAddCells(dialect, `(select ${fields.join(', ')}, 0 as n) as given`), (rows) =>
    rows.map(toCells),
  )
}

function openFile(url: string, sql: string, given: (rows: readonly BatchRow[]) => unknown[][]): BareFlush {
  const file = new Database(url.replace('sqlite:', ''))
  file.pragma('journal_mode = wal')
  file.pragma('synchronous = full')
  addHistogramFunctions(file)
  const statement = file.prepare(sql)
  return {
    async write(batch) {
      file.exec('begin immediate')
      for await (const rows of batch.rows()) {
        for (const params of given(rows)) {
          const all = [batch.bucket, batch.bucketMinutes, ...params]
          statement.run(Object.fromEntries(all.map((value, index) => [index + 1, value])))
        }
      }
      file.exec('commit')
    },
    close: async () => void file.close(),
  }
}

/** Rows need their keys. */
async function insertKeys(url: string, batch: Batch) {
  const db = await openDatabase(url)
  const now = db.dialect.timeOf(String(Date.now()))
  for await (const keys of batch.keys()) {
    for (const { id, label } of keys) {
      await db.query(
        `insert into api_key_analytics_keys (id, label, first_seen_at, last_used_at) values ($1, $2, ${now}, ${now})`,
        [id, label],
      )
    }
  }
  await db.close()
  return db
}

function toCells(row: BatchRow): unknown[] {
  const { keyId, endpoint, method, status, requestCount, durationUs, durationBins } = row
  return [
    keyId,
    endpoint,
    method,
    status,
    requestCount,
    durationUs,
    durationBins[0],
    renderBins(durationBins),
  ]
}
