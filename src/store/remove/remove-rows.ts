import { readClosedPeriods } from '../billing/closed-periods.ts'
import type { ClosedPeriod } from '../billing/closed-periods.ts'
import { fixOwners } from '../billing/fix-owners.ts'
import { lockStatements } from '../billing/lock-statements.ts'
import { noteRemoved } from '../billing/note-removed.ts'
import type { RemovedRow } from '../billing/note-removed.ts'
import { endsBy } from '../read/ends-by.ts'
import { OF_KEYS_WITH_FORMER_OWNERS } from '../read/owner-of-rows.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { lockQuantities, lockRows } from './lock-rows.ts'
import { logRemoval } from './log-removal.ts'
import { noteRemovedImports } from './note-removed-imports.ts'
import type { Removal } from './log-removal.ts'
import type { Database } from '../database/open-database.ts'
import { USAGE_TABLES } from '../database/usage-tables.ts'
import { runBoundedWrite } from '../database/run-bounded-write.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { removeFromSums } from '../write/owner-sums.ts'
import { takeTurn } from '../write/take-turn.ts'

/** Rows per transaction: it takes tens of milliseconds, and a flush to the same rows waits as long. */
const CHUNK_ROWS = 10_000

/** Which rows to remove, and why. */
export interface RemovalOrder {
  readonly action: 'prune' | 'forget'
  /** Only rows that end by then (epoch milliseconds); null for all. */
  readonly before: number | null
  /** Only rows of this key; null for all. */
  readonly keyId: string | null
  /** Only rows whose bucket begins in this time: `since` inclusive, `until` exclusive. */
  readonly during?: { readonly since: number; readonly until: number } | undefined
  /** The row of the log to continue; absent for a new one. */
  readonly logId?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called after each transaction: the rows and the requests that it removed, imported ones too, and the bucket up to which all is done. */
  readonly onRemoved?: (removed: { rows: number; requests: number; upTo: number | null }) => void
}

/** A position between rows, in the order of bucket and key. */
interface Place {
  readonly bucket: number
  readonly keyId: string
}

/**
 * Removes rows, oldest first, in bounded transactions that log what they removed. After an abort, run it again. Returns
 * the row of the log, if there is one.
 */
export async function removeRows(db: Database, order: RemovalOrder): Promise<number | undefined> {
  let { logId } = order
  let from: Place | undefined
  do {
    order.signal?.throwIfAborted()
    const to = await findChunkEnd(db, order, from)
    const chunk = writeCondition(db, order, from, to)
    const upTo = to ? to.bucket : order.before
    const removed = await runBoundedWrite(db, async (tx) => {
      await lockStatements(tx, db, 'remove')
      await takeTurn(tx, db)
      const found = await removeFromSums(tx, db.dialect, chunk, () => deleteRows(tx, db, chunk))
      // an empty last step moves the border of the log to the end of the work
      const isEmpty = found.rows + found.quantities.size + found.imported === 0
      if (isEmpty && logId === undefined) return { ...found, logId }
      const removal = { ...found, action: order.action, before: upTo, keyId: order.keyId }
      return { ...found, logId: await logRemoval(tx, db.dialect, logId, removal) }
    })
    logId = removed.logId
    const requests = removed.requests + removed.importedRequests
    order.onRemoved?.({ rows: removed.rows, requests, upTo })
    from = to
  } while (from)
  return logId
}

/** The end of the next chunk, inclusive; undefined when the rest is one chunk. */
async function findChunkEnd(
  db: Database,
  order: RemovalOrder,
  from: Place | undefined,
): Promise<Place | undefined> {
  const { condition, params } = writeCondition(db, order, from, undefined)
  const [found] = await db.query<{ bucket: string; key_id: string }>(
    `select ${db.dialect.millisecondsOf('t.bucket')} as bucket, t.api_key_id as key_id
from api_key_analytics t
where ${condition}
order by t.bucket, t.api_key_id
limit 1 offset ${CHUNK_ROWS - 1}`,
    params,
  )
  return found && { bucket: Number(found.bucket), keyId: found.key_id }
}

/** The rows after one position, up to and including another. */
function writeCondition(
  { dialect }: Database,
  { before, keyId, during }: RemovalOrder,
  from: Place | undefined,
  to: Place | undefined,
): { condition: string; params: unknown[] } {
  const parameters = new SqlParameters()
  const time = (milliseconds: number): string => dialect.timeOf(parameters.add(milliseconds))
  const writePlace = ({ bucket, keyId }: Place): string => `(${time(bucket)}, ${parameters.add(keyId)})`
  const conditions = ['true']
  if (keyId !== null) conditions.push(`t.api_key_id = ${parameters.add(keyId)}`)
  if (before !== null) conditions.push(endsBy(dialect, time(before)))
  if (during) conditions.push(`t.bucket >= ${time(during.since)}`)
  if (during && during.until < Infinity) conditions.push(`t.bucket < ${time(during.until)}`)
  if (from) conditions.push(`(t.bucket, t.api_key_id) > ${writePlace(from)}`)
  if (to) conditions.push(`(t.bucket, t.api_key_id) <= ${writePlace(to)}`)
  return { condition: conditions.join(' and '), params: parameters.values }
}

/** What was removed of units, and how many rows and requests of imports. */
interface Removed {
  readonly quantities: ReadonlyMap<string, bigint>
  readonly imported: number
  readonly importedRequests: number
}

async function deleteRows(
  tx: Statements,
  db: Database,
  { condition, params }: { condition: string; params: unknown[] },
): Promise<Pick<Removal, 'rows' | 'requests' | 'closed'> & Removed> {
  const closed = await readClosedPeriods(tx, db.dialect)
  // what was billed of the rows is only looked at when a period is closed
  const names = closed.length > 0 ? `, ${writeNames(db.dialect)}` : ''
  if (closed.length > 0) await fixOwnersOfRows({ ...db, ...tx }, closed, { condition, params })
  await lockRows(tx, db, condition, params)
  // not summed up in SQL: SQLite has no delete within a query
  const rows = await tx.query<Deleted>(
    `delete from api_key_analytics as t
where ${condition}
returning 'requests' as unit, request_count as quantity, import_id${names}`,
    params,
  )
  // after the rows: every writer locks rows before quantities
  await lockQuantities(tx, db, condition, params)
  // as text, because the driver of SQLite rounds large numbers
  const quantities = await tx.query<Deleted>(
    `delete from api_key_analytics_quantities as t
where ${condition}
returning unit, cast(quantity as text) as quantity, import_id${names}`,
    params,
  )
  const { counted = [], imported = [] } = Object.groupBy([...rows, ...quantities], (row) =>
    row.import_id === 0 ? 'counted' : 'imported',
  )
  await noteRemovedImports(tx, db.dialect, imported)
  // imported rows were never billed
  const noted =
    closed.length > 0 ? await noteRemoved(tx, db.dialect, closed, counted.map(toRemovedRow)) : undefined
  const sums = sumByUnit(counted)
  const requests = Number(sums.get(REQUESTS_UNIT) ?? 0)
  sums.delete(REQUESTS_UNIT)
  const importedRequests = Number(sumByUnit(imported).get(REQUESTS_UNIT) ?? 0)
  return {
    rows: rows.length,
    requests,
    quantities: sums,
    closed: noted,
    importedRequests,
    imported: imported.length,
  }
}

/** Of keys that changed hands, before nobody can tell any more in whose time a row was. */
async function fixOwnersOfRows(
  db: Database,
  closed: readonly ClosedPeriod[],
  { condition, params }: { condition: string; params: unknown[] },
): Promise<void> {
  const [first, last] = ['min', 'max'].map((which) => db.dialect.millisecondsOf(`${which}(t.bucket)`))
  const found = await db.query<{ id: string; first: string; last: string }>(
    USAGE_TABLES.map(
      (table) => `select t.api_key_id as id, ${first} as first, ${last} as last
from ${table} t
where ${condition} and ${OF_KEYS_WITH_FORMER_OWNERS}
group by t.api_key_id`,
    ).join('\nunion all\n'),
    params,
  )
  for (const period of closed) {
    const keys = found.filter((row) => Number(row.first) < period.until && Number(row.last) >= period.since)
    await fixOwners(db, period, [...new Set(keys.map(({ id }) => id))])
  }
}

const writeNames = (dialect: Dialect) =>
  `api_key_id as "keyId", ${dialect.millisecondsOf('bucket')} as bucket, method, endpoint, status`

function sumByUnit(quantities: readonly Deleted[]): Map<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const { unit, quantity } of quantities) sums.set(unit, (sums.get(unit) ?? 0n) + BigInt(quantity))
  return sums
}

type Deleted = Omit<RemovedRow, 'bucket'> & { readonly bucket: string | number; readonly import_id: number }

function toRemovedRow(row: Deleted): RemovedRow {
  return Object.assign(row, { bucket: Number(row.bucket) })
}
