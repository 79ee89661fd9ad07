import { histogramOf } from '../database/histogram.ts'
import { AnalyticsError } from '../../model/errors.ts'
import { renderBins, UNMEASURED_BIN } from '../../model/duration-bins.ts'
import type { Batch, BatchRow } from '../../model/batch.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { advanceLedger } from './advance-ledger.ts'
import type { DueRows } from './advance-ledger.ts'
import { enterQuantities } from './ledger-units.ts'
import type { Database } from '../database/open-database.ts'
import { addOwnerSums, findOwnedKeys } from './owner-sums.ts'
import { CELL_COLUMNS, QUANTITY_COLUMNS } from './row-columns.ts'
import { touchKeys } from './touch-keys.ts'
import type { TouchedKeys } from './touched-keys.ts'
import { BatchCalls } from '../routes/note-calls.ts'
import { NotedCalls } from '../routes/noted-calls.ts'
import { isContentError, isMissingKey } from '../database/translate-error.ts'

const DATABASE_ID = 'select database_id from api_key_analytics_meta where id = 1'

/** Where rows are added to: SQL for the bucket and its width, and the import that they come from. */
export interface AddedTo {
  readonly bucket: string
  readonly bucketMinutes: string
  readonly importId: number
}

/** Counted rows: $1 is the bucket, $2 its width. */
export function countedRows(dialect: Dialect): AddedTo {
  return { bucket: dialect.timeOf('$1'), bucketMinutes: 'cast($2 as smallint)', importId: 0 }
}

/** `given` are rows of `CELL_COLUMNS`. */
export function writeAddCells(dialect: Dialect, given: string, to = countedRows(dialect)): string {
  const { histogram } = dialect
  const merged = histogram.merge(histogramOf('t'), histogramOf('excluded'))
  return `
insert into api_key_analytics as t
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_us,
   duration_first_bin, duration_bins, import_id)
select key_id, ${to.bucket}, ${to.bucketMinutes}, endpoint, method, status, request_count, duration_us,
  duration_first_bin, ${histogram.fromJson('duration_bins')}, ${to.importId}
from ${given}
where true
order by n
on conflict (api_key_id, bucket, bucket_minutes, endpoint, method, status, import_id) do update set
  request_count = t.request_count + excluded.request_count,
  duration_us = t.duration_us + excluded.duration_us,
  duration_first_bin = ${merged.first},
  duration_bins = ${merged.bins}`
}

/** `given` are rows of `QUANTITY_COLUMNS`. */
export function writeAddQuantities(dialect: Dialect, given: string, to = countedRows(dialect)): string {
  return `
insert into api_key_analytics_quantities as t
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, unit, request_count, quantity, import_id)
select key_id, ${to.bucket}, ${to.bucketMinutes}, endpoint, method, status, unit, request_count, quantity,
  ${to.importId}
from ${given}
where true
order by n
on conflict (api_key_id, bucket, bucket_minutes, endpoint, method, status, unit, import_id) do update set
  request_count = t.request_count + excluded.request_count,
  quantity = ${dialect.addWhole('t.quantity', 'excluded.quantity')}`
}

/**
 * Adds one batch in one transaction. It counts once, also when called again; if this throws before the commit, nothing
 * is stored. Rows are locked in the batch's order, which all writers share.
 * @throws DATABASE_CHANGED when the database is not the one with `databaseId`; BATCH_REFUSED and INSTANCE_COPIED when a
 * retry is useless; else the error of the database
 */
export async function recordBatch(
  db: Database,
  batch: Batch,
  {
    databaseId,
    touched,
    noted = new NotedCalls(),
  }: { readonly databaseId: string; readonly touched: TouchedKeys; readonly noted?: NotedCalls },
): Promise<'applied' | 'applied before'> {
  try {
    const calls = new BatchCalls(db.dialect, batch, noted)
    const result = await db.transaction(async (tx) => {
      await requireSameDatabase(tx, databaseId, db.databaseLabel)
      const due = await advanceLedger(tx, db.dialect, batch)
      if (!due) return 'applied before'
      const owned = new Set<string>()
      for await (const keys of batch.keys()) {
        await touchKeys(tx, db.dialect, batch, keys, touched)
        for (const id of await findOwnedKeys(tx, db.dialect, keys)) owned.add(id)
      }
      await addCells(tx, db.dialect, batch, due, (rows) => calls.add(tx, rows))
      if (batch.units) await addQuantities(tx, db.dialect, batch, due)
      if (owned.size > 0) await addSums(tx, db.dialect, batch, due, owned)
      await calls.write(tx)
      return 'applied'
    }, 'flush')
    calls.remember()
    if (result === 'applied') for await (const keys of batch.keys()) touched.touch(keys, batch.sealedAt)
    return result
  } catch (error) {
    if (isMissingKey(error) && touched.forget()) return recordBatch(db, batch, { databaseId, touched, noted })
    throw isContentError(error) ? refusal(batch, (error as Error).message, error) : error
  }
}

/** After all cells and quantities. */
async function addSums(
  tx: Statements,
  dialect: Dialect,
  batch: Batch,
  due: DueRows,
  owned: ReadonlySet<string>,
): Promise<void> {
  for await (const rows of due.rows()) {
    const ofOwners = rows.filter(({ keyId }) => owned.has(keyId))
    await addOwnerSums(tx, dialect, batch, ofOwners)
  }
}

async function requireSameDatabase(tx: Statements, databaseId: string, databaseLabel: string): Promise<void> {
  const [meta] = await tx.query<{ database_id: string }>(DATABASE_ID)
  if (meta?.database_id === databaseId) return
  throw new AnalyticsError(
    'DATABASE_CHANGED',
    `${databaseLabel} is another database than before (${databaseId} then, ${meta?.database_id ?? 'none'} now). ` +
      'Bring the former one back, or deliver to this one with "apikey-analytics flush --adopt".',
  )
}

async function addCells(
  tx: Statements,
  dialect: Dialect,
  batch: Batch,
  due: DueRows,
  onRows: (rows: readonly BatchRow[]) => Promise<void>,
): Promise<void> {
  let requestCount = 0
  for await (const rows of due.rows()) {
    // a row may have only quantities
    const counted = rows.filter((row) => row.requestCount > 0)
    if (counted.length === 0) continue
    for (const row of counted) requestCount += row.requestCount
    const given = dialect.givenRows(CELL_COLUMNS, counted.map(toCells), 3)
    const params = [batch.bucket, batch.bucketMinutes, ...given.params]
    await tx.query(writeAddCells(dialect, given.sql), params)
    await onRows(counted)
  }
  // otherwise the ledger would count rows that the table does not have
  if (requestCount !== due.requestCount) {
    throw refusal(batch, `its rows hold ${requestCount} requests and its head says ${due.requestCount}`)
  }
}

/** After all cells, so that every writer locks cells before quantities. */
async function addQuantities(tx: Statements, dialect: Dialect, batch: Batch, due: DueRows): Promise<void> {
  const totals = new Map<string, number>()
  for await (const rows of due.rows()) {
    const added = rows.flatMap(({ keyId, endpoint, method, status, quantities = [] }) =>
      quantities.map(({ unit, requestCount, quantity }) => {
        totals.set(unit, (totals.get(unit) ?? 0) + quantity)
        return [keyId, endpoint, method, status, unit, requestCount, quantity]
      }),
    )
    if (added.length === 0) continue
    const given = dialect.givenRows(QUANTITY_COLUMNS, added, 3)
    const params = [batch.bucket, batch.bucketMinutes, ...given.params]
    await tx.query(writeAddQuantities(dialect, given.sql), params)
  }
  if (due.isWhole) requireTotals(batch, totals)
  await enterQuantities(tx, dialect, batch, due.entry, totals)
}

/** The rows of a whole batch hold what its head says: otherwise the ledger would count what no table has. */
function requireTotals(batch: Batch, totals: ReadonlyMap<string, number>): void {
  const wrong = batch.units?.totals.find(({ unit, quantity }) => quantity !== (totals.get(unit) ?? 0))
  if (!wrong) return
  const { unit, quantity } = wrong
  throw refusal(batch, `its rows hold ${totals.get(unit) ?? 0} ${unit} and its head says ${quantity}`)
}

function toCells(row: BatchRow): unknown[] {
  const { keyId, endpoint, method, status, requestCount, durationUs, durationBins } = row
  const firstBin = durationBins[0] ?? UNMEASURED_BIN
  return [keyId, endpoint, method, status, requestCount, durationUs, firstBin, renderBins(durationBins)]
}

function refusal({ instance, sequence }: Batch, why: string, cause?: unknown): AnalyticsError {
  return new AnalyticsError(
    'BATCH_REFUSED',
    `Batch ${sequence} of instance ${instance} cannot be stored: ${why.replace(/\.?$/, '.')} Please report this.`,
    { cause },
  )
}
