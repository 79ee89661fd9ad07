import { rangeOf } from '../../model/batch.ts'
import type { Batch } from '../../model/batch.ts'
import type { Statements } from '../database/dialect.ts'

/** Requests and late additions of an instance that were counted and never arrived, by their numbers: `from` exclusive, `to` inclusive. */
export interface Gap {
  readonly instance: string
  readonly from: number
  readonly to: number
}

const ADD_GAP = `
insert into api_key_analytics_gaps (instance, counted_from, counted_to)
values ($1, $2, $3)`

const REMOVE_GAP = 'delete from api_key_analytics_gaps where instance = $1 and counted_from = $2'

const READ_GAPS = (instances: string) => `
select instance, counted_from, counted_to
from api_key_analytics_gaps
where instance in (${instances})
order by instance, counted_from`

/** The gaps of some instances, in order. */
export async function readGaps(tx: Statements, instances: readonly string[]): Promise<Gap[]> {
  if (instances.length === 0) return []
  const parameters = instances.map((_, index) => `$${index + 1}`)
  const rows = await tx.query<{
    instance: string
    counted_from: string | number
    counted_to: string | number
  }>(READ_GAPS(parameters.join(', ')), instances)
  return rows.map((row) => ({
    instance: row.instance,
    from: Number(row.counted_from),
    to: Number(row.counted_to),
  }))
}

/** Stores the gap between a batch that was just entered and the one before it. `missing`: of the instance, in total. */
export async function noteGap(tx: Statements, batch: Batch, missing: number): Promise<void> {
  if (missing === 0) return
  const { instance } = batch
  const { from: end } = rangeOf(batch)
  const known = await readGaps(tx, [instance])
  const length = known.reduce((left, { from, to }) => left - (to - from), missing)
  if (length > 0) await tx.query(ADD_GAP, [instance, end - length, end])
}

/** Removes a part of a gap. */
export async function closeGap(tx: Statements, gap: Gap, from: number, to: number): Promise<void> {
  await tx.query(REMOVE_GAP, [gap.instance, gap.from])
  if (gap.from < from) await tx.query(ADD_GAP, [gap.instance, gap.from, from])
  if (to < gap.to) await tx.query(ADD_GAP, [gap.instance, to, gap.to])
}
