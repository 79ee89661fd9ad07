import { AnalyticsError } from '../../model/errors.ts'
import type { Batch, BatchRow } from '../../model/batch.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { closeGap, noteGap, readGaps } from './ledger-gaps.ts'
import type { Gap } from './ledger-gaps.ts'
import { forgetUnsealedRows, keepUnsealedRows, readUnsealedRows } from './unsealed-rows.ts'
import type { UnsealedRows } from './unsealed-rows.ts'

/**
 * The statement for a usual batch. It returns a row only when the batch is the next one of its instance, or follows a
 * gap. `excluded.missing` is the number of requests that the instance counted before the batch; those that never
 * arrived are missing.
 */
const ADVANCE = (now: string) => `
insert into api_key_analytics_ledger as l (instance, sequence, request_count, missing, updated_at)
values ($1, $2, $3, $4, ${now})
on conflict (instance) do update set
  sequence = excluded.sequence,
  request_count = l.request_count + excluded.request_count,
  missing = excluded.missing - l.request_count,
  updated_at = excluded.updated_at
where l.sequence < excluded.sequence and l.request_count + l.missing <= excluded.missing
returning missing`

const ADD_REST = 'update api_key_analytics_ledger set request_count = request_count + $2 where instance = $1'

const FILL_GAP = `
update api_key_analytics_ledger
set request_count = request_count + $2, missing = missing - $2
where instance = $1`

const READ_INSTANCE =
  'select sequence, request_count, missing from api_key_analytics_ledger where instance = $1'

/** The part of a batch that is not in the database: all its rows, or the rest when a copy arrived before. */
export interface DueRows {
  readonly rows: AsyncIterable<readonly BatchRow[]> | Iterable<readonly BatchRow[]>
  readonly requestCount: number
}

/**
 * Enters a batch into the ledger. The requests of an instance are numbered in the order in which it counted them, and a
 * batch is a range of these numbers: `requestCount` of them after `countedBefore`. The ledger stores which ranges have
 * arrived: all up to the end of the last batch, except the gaps.
 * @returns what to add in the same transaction; undefined when the database has all of it
 * @throws INSTANCE_COPIED when the batch contradicts what arrived before
 */
export async function advanceLedger(
  tx: Statements,
  dialect: Dialect,
  batch: Batch,
): Promise<DueRows | undefined> {
  const { instance, sequence, requestCount, countedBefore } = batch
  const all = { rows: batch.rows(), requestCount }
  const params = [instance, sequence, requestCount, countedBefore, Date.now()]
  const [advanced] = await tx.query<{ missing: string | number }>(ADVANCE(dialect.timeOf('$5')), params)
  if (advanced) {
    await noteGap(tx, batch, Number(advanced.missing))
    await keepUnsealed(tx, dialect, batch)
    return all
  }
  const account = await readInstance(tx, batch)
  const before = await readUnsealedRows(tx, batch)
  if (before) {
    requireSameStart(batch, account, before)
    return takeRest(tx, dialect, batch, account, before)
  }
  if (hasArrived(batch, account)) return undefined
  await fillGap(tx, batch, account, countedBefore, requestCount)
  await keepUnsealed(tx, dialect, batch)
  return all
}

/** The ledger's state of an instance. */
interface InstanceState {
  readonly sequence: number
  /** Requests that it had counted at the end of its last batch here. */
  readonly counted: number
  readonly gaps: readonly Gap[]
}

async function readInstance(tx: Statements, { instance }: Batch): Promise<InstanceState> {
  const [row] = await tx.query<Record<'sequence' | 'request_count' | 'missing', string | number>>(
    READ_INSTANCE,
    [instance],
  )
  const counted = Number(row!.request_count) + Number(row!.missing)
  return { sequence: Number(row!.sequence), counted, gaps: await readGaps(tx, [instance]) }
}

/** Whether all of a batch is in the database: it was sent before, or it is a partial copy of what was sent. */
function hasArrived(batch: Batch, { sequence, counted, gaps }: InstanceState): boolean {
  const { countedBefore, requestCount, isSealed, openSequence } = batch
  const end = countedBefore + requestCount
  if (sequence < batch.sequence) return false
  // a sealed batch is complete: another total under the same number was counted elsewhere
  if (sequence === batch.sequence) return isSealed ? end === counted : end <= counted
  // the instance still counts here, but batches that it has not begun were delivered from elsewhere
  if (openSequence !== undefined && sequence > openSequence) return false
  return end <= counted && gaps.every((gap) => gap.to <= countedBefore || end <= gap.from)
}

async function keepUnsealed(tx: Statements, dialect: Dialect, batch: Batch): Promise<void> {
  if (!batch.isSealed) await keepUnsealedRows(tx, dialect, batch, batch.rows(), 0)
}

/** The stored part of the instance's last batch must follow the requests that this batch has before it. */
function requireSameStart(batch: Batch, account: InstanceState, before: UnsealedRows): void {
  if (account.sequence !== batch.sequence) return
  if (batch.countedBefore + before.requestCount !== account.counted) throw copiedInstance(batch, account)
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
  const requestCount = rows.flat().reduce((sum, row) => sum + row.requestCount, 0)
  if (batch.isSealed) {
    // a sealed batch contains everything that any copy of it contains
    if (before.requestCount + requestCount !== batch.requestCount) throw copiedInstance(batch, account)
    await forgetUnsealedRows(tx, batch)
  }
  if (requestCount === 0) return undefined
  if (account.sequence === batch.sequence) await tx.query(ADD_REST, [batch.instance, requestCount])
  else await fillGap(tx, batch, account, batch.countedBefore + before.requestCount, requestCount)
  if (!batch.isSealed) await keepUnsealedRows(tx, dialect, batch, rows, before.chunks)
  return { rows, requestCount }
}

/** Enters requests that counted as missing, such as those of a batch that was set aside. */
async function fillGap(
  tx: Statements,
  batch: Batch,
  account: InstanceState,
  from: number,
  requests: number,
): Promise<void> {
  const to = from + requests
  const gap = account.gaps.find((gap) => gap.from <= from && to <= gap.to)
  if (!gap) throw copiedInstance(batch, account)
  await closeGap(tx, gap, from, to)
  await tx.query(FILL_GAP, [batch.instance, requests])
}

function copiedInstance(batch: Batch, { sequence, counted }: InstanceState): AnalyticsError {
  const { countedBefore, requestCount } = batch
  return new AnalyticsError(
    'INSTANCE_COPIED',
    `Batch ${batch.sequence} of instance ${batch.instance} (its requests ${countedBefore + 1} to ${countedBefore + requestCount}) contradicts the ledger, which has batch ${sequence} and ${counted} requests of it. Its counter file was copied and counted on in two places, as when a running machine is cloned.`,
  )
}
