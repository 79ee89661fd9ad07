import { AnalyticsError } from '../../model/errors.ts'
import { rangeOf } from '../../model/batch.ts'
import type { Batch, BatchRow } from '../../model/batch.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { closeGap, noteGap, readGaps } from './ledger-gaps.ts'
import type { Gap } from './ledger-gaps.ts'
import { readCountedQuantities } from './ledger-units.ts'
import type { LedgerEntry } from './ledger-units.ts'
import { forgetUnsealedRows, keepUnsealedRows, readUnsealedRows } from './unsealed-rows.ts'
import type { UnsealedRows } from './unsealed-rows.ts'

/**
 * The statement for a usual batch. It returns a row only when the batch is the next one of its instance, or follows a
 * gap. `excluded.missing` is the number of requests that the instance counted before the batch; those that never
 * arrived are missing. The same holds for late additions.
 */
const ADVANCE = (now: string) => `
insert into api_key_analytics_ledger as l
  (instance, sequence, request_count, missing, addition_count, missing_additions, updated_at)
values ($1, $2, $3, $4, $5, $6, ${now})
on conflict (instance) do update set
  sequence = excluded.sequence,
  request_count = l.request_count + excluded.request_count,
  missing = excluded.missing - l.request_count,
  addition_count = l.addition_count + excluded.addition_count,
  missing_additions = excluded.missing_additions - l.addition_count,
  updated_at = excluded.updated_at
where l.sequence < excluded.sequence
  and l.request_count + l.missing <= excluded.missing
  and l.addition_count + l.missing_additions <= excluded.missing_additions
returning missing + missing_additions as missing`

const ADD_REST = `
update api_key_analytics_ledger
set request_count = request_count + $2, addition_count = addition_count + $3
where instance = $1`

const FILL_GAP = `
update api_key_analytics_ledger
set request_count = request_count + $2, missing = missing - $2,
  addition_count = addition_count + $3, missing_additions = missing_additions - $3
where instance = $1 and missing >= $2 and missing_additions >= $3
returning sequence`

const READ_INSTANCE = `
select sequence, request_count + missing + addition_count + missing_additions as counted
from api_key_analytics_ledger
where instance = $1`

/** The part of a batch that is not in the database: all its rows, or the rest when a copy arrived before. */
export interface DueRows {
  rows(): AsyncIterable<readonly BatchRow[]> | Iterable<readonly BatchRow[]>
  readonly requestCount: number
  /** Whether these are all rows of the batch. */
  readonly isWhole: boolean
  /** How they enter the ledger; their quantities enter it the same way. */
  readonly entry: LedgerEntry
}

/**
 * Enters a batch into the ledger. The requests and late additions of an instance are numbered in the order in which it
 * counted them, and a batch is a range of these numbers, see `rangeOf`. The ledger stores which ranges have
 * arrived: all up to the end of the last batch, except the gaps.
 * @returns what to add in the same transaction; undefined when the database has all of it
 * @throws INSTANCE_COPIED when the batch contradicts what arrived before
 */
export async function advanceLedger(
  tx: Statements,
  dialect: Dialect,
  batch: Batch,
): Promise<DueRows | undefined> {
  const { instance, sequence, requestCount, countedBefore, units } = batch
  const all = { rows: () => batch.rows(), requestCount, isWhole: true }
  const additions = [units?.additionCount ?? 0, units?.additionsBefore ?? 0]
  const params = [instance, sequence, requestCount, countedBefore, ...additions, Date.now()]
  const [advanced] = await tx.query<{ missing: string | number }>(ADVANCE(dialect.timeOf('$7')), params)
  if (advanced) {
    await noteGap(tx, batch, Number(advanced.missing))
    await keepUnsealed(tx, dialect, batch)
    return { ...all, entry: 'next' }
  }
  const account = await readInstance(tx, batch)
  const before = await readUnsealedRows(tx, batch)
  if (before) {
    requireSameStart(batch, account, before)
    return takeRest(tx, dialect, batch, account, before)
  }
  if (hasArrived(batch, account)) {
    await requireSameQuantities(tx, batch, account)
    return undefined
  }
  await fillGap(tx, batch, account, { requests: requestCount, additions: units?.additionCount ?? 0 })
  await keepUnsealed(tx, dialect, batch)
  return { ...all, entry: 'gap' }
}

/** The ledger's state of an instance. */
interface InstanceState {
  readonly sequence: number
  /** The number of its last request or late addition at the end of its last batch here. */
  readonly counted: number
  readonly gaps: readonly Gap[]
}

async function readInstance(tx: Statements, { instance }: Batch): Promise<InstanceState> {
  const [row] = await tx.query<Record<'sequence' | 'counted', string | number>>(READ_INSTANCE, [instance])
  const gaps = await readGaps(tx, [instance])
  return { sequence: Number(row!.sequence), counted: Number(row!.counted), gaps }
}

/** Whether all of a batch is in the database: it was sent before, or it is a partial copy of what was sent. */
function hasArrived(batch: Batch, { sequence, counted, gaps }: InstanceState): boolean {
  const { isSealed, openSequence } = batch
  const { from, to: end } = rangeOf(batch)
  if (sequence < batch.sequence) return false
  // a sealed batch is complete: another total under the same number was counted elsewhere
  if (sequence === batch.sequence) return isSealed ? end === counted : end <= counted
  // the instance still counts here, but batches that it has not begun were delivered from elsewhere
  if (openSequence !== undefined && sequence > openSequence) return false
  return end <= counted && gaps.every((gap) => gap.to <= from || end <= gap.from)
}

/** A sealed batch that arrived last is complete, so the ledger has exactly its quantities too. */
async function requireSameQuantities(tx: Statements, batch: Batch, account: InstanceState): Promise<void> {
  if (!batch.units || !batch.isSealed || account.sequence !== batch.sequence) return
  const counted = await readCountedQuantities(tx, batch)
  const isSame = batch.units.totals.every(
    ({ unit, before, quantity }) => before + quantity === (counted.get(unit) ?? 0),
  )
  if (!isSame) throw copiedInstance(batch, account)
}

async function keepUnsealed(tx: Statements, dialect: Dialect, batch: Batch): Promise<void> {
  if (batch.isSealed) return
  const added = { rows: batch.rows(), additions: batch.units?.additionCount ?? 0, chunks: 0 }
  await keepUnsealedRows(tx, dialect, batch, added)
}

/** The stored part of the instance's last batch must follow the requests that this batch has before it. */
function requireSameStart(batch: Batch, account: InstanceState, before: UnsealedRows): void {
  if (account.sequence !== batch.sequence) return
  if (rangeOf(batch).from + before.requestCount + before.additions !== account.counted)
    throw copiedInstance(batch, account)
}

/** A copy of the counter file was delivered in the middle of this batch: adds what the copy did not have. */
async function takeRest(
  tx: Statements,
  dialect: Dialect,
  batch: Batch,
  account: InstanceState,
  before: UnsealedRows,
): Promise<DueRows | undefined> {
  const rows: BatchRow[][] = []
  for await (const some of batch.rows()) rows.push(before.takeFrom(some))
  const requests = rows.flat().reduce((sum, row) => sum + row.requestCount, 0)
  const additions = Math.max(0, (batch.units?.additionCount ?? 0) - before.additions)
  if (batch.isSealed) {
    // a sealed batch contains everything that any copy of it contains
    const isWhole =
      before.requestCount + requests === batch.requestCount &&
      before.additions + additions === (batch.units?.additionCount ?? 0) &&
      (batch.units?.totals ?? []).every(
        ({ unit, quantity }) => sumUnit(before.rows, unit) + sumUnit(rows.flat(), unit) === quantity,
      )
    if (!isWhole) throw copiedInstance(batch, account)
    await forgetUnsealedRows(tx, batch)
  }
  // also without a request: a copy that was made during a count may have it without its quantities
  if (additions === 0 && rows.every((some) => some.length === 0)) return undefined
  const isLast = account.sequence === batch.sequence
  if (isLast) await tx.query(ADD_REST, [batch.instance, requests, additions])
  else if (requests + additions > 0)
    await fillGap(tx, batch, account, { requests, additions }, before.requestCount + before.additions)
  if (!batch.isSealed) await keepUnsealedRows(tx, dialect, batch, { rows, additions, chunks: before.chunks })
  return { rows: () => rows, requestCount: requests, isWhole: false, entry: isLast ? 'rest' : 'gap' }
}

/** Enters what counted as missing, such as a batch that was set aside. `known`: how much of it the database has. */
async function fillGap(
  tx: Statements,
  batch: Batch,
  account: InstanceState,
  { requests, additions }: { readonly requests: number; readonly additions: number },
  known = 0,
): Promise<void> {
  const from = rangeOf(batch).from + known
  const to = from + requests + additions
  const gap = account.gaps.find((gap) => gap.from <= from && to <= gap.to)
  if (!gap) throw copiedInstance(batch, account)
  await closeGap(tx, gap, from, to)
  const filled = await tx.query(FILL_GAP, [batch.instance, requests, additions])
  if (filled.length === 0) throw copiedInstance(batch, account)
}

function sumUnit(rows: readonly BatchRow[], unit: string): number {
  return rows.reduce((sum, row) => sum + (row.quantities?.find((one) => one.unit === unit)?.quantity ?? 0), 0)
}

function copiedInstance(batch: Batch, { sequence, counted }: InstanceState): AnalyticsError {
  const { from, to } = rangeOf(batch)
  return new AnalyticsError(
    'INSTANCE_COPIED',
    `Batch ${batch.sequence} of instance ${batch.instance} (its requests ${from + 1} to ${to}) contradicts the ledger, which has batch ${sequence} and ${counted} requests of it. Its counter file was copied and counted on in two places, as when a running machine is cloned.`,
  )
}
