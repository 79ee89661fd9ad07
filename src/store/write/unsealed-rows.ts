import type { Batch, BatchRow, RowQuantity } from '../../model/batch.ts'
import type { Dialect, Statements } from '../database/dialect.ts'

/** A copy of a counter file that arrives later than this is set aside, not compared with what came before. */
const KEPT_MS = 30 * 86_400_000

const READ = `
select content
from api_key_analytics_unsealed
where instance = $1 and sequence = $2`

const ADD = (now: string) => `
insert into api_key_analytics_unsealed (instance, sequence, chunk, content, added_at)
values ($1, $2, $3, $4, ${now})`

const FORGET = 'delete from api_key_analytics_unsealed where instance = $1 and sequence = $2'

const FORGET_OLD = (time: string) => `delete from api_key_analytics_unsealed where added_at < ${time}`

/**
 * The stored rows of a batch that its process had not sealed: the process was killed, or a copy of its folder was
 * delivered while it lived on. When the same batch comes again with more requests, only the difference is added.
 */
export interface UnsealedRows {
  readonly requestCount: number
  /** Late additions among what was added. */
  readonly additions: number
  readonly chunks: number
  /** What was added; a row is here once per copy that brought something of it. */
  readonly rows: readonly BatchRow[]
  /** The part of some rows of the batch that was not added yet. */
  takeFrom(rows: readonly BatchRow[]): BatchRow[]
}

/** The content of one row of the table. */
interface Chunk {
  readonly rows: readonly BatchRow[]
  /** Late additions that came with these rows; all of them are noted with the first chunk of a copy. */
  readonly additions: number
}

/** What was added of a batch; undefined when it never came, or was sealed when it came. */
export async function readUnsealedRows(
  tx: Statements,
  { instance, sequence }: Batch,
): Promise<UnsealedRows | undefined> {
  const chunks = await tx.query<{ content: string }>(READ, [instance, sequence])
  if (chunks.length === 0) return undefined
  const contents = chunks.map(({ content }) => JSON.parse(content) as Chunk)
  const rows = contents.flatMap((content) => content.rows)
  const added = Map.groupBy(rows, nameOf)
  return {
    rows,
    additions: contents.reduce((sum, { additions }) => sum + additions, 0),
    requestCount: rows.reduce((sum, { requestCount }) => sum + requestCount, 0),
    chunks: chunks.length,
    takeFrom: (some) =>
      some
        .map((row) => (added.get(nameOf(row)) ?? []).reduce(subtract, row))
        .filter(({ requestCount, quantities = [] }) => requestCount > 0 || quantities.length > 0),
  }
}

/** Stores what is about to be added of an unsealed batch; `chunks` of it are stored already. */
export async function keepUnsealedRows(
  tx: Statements,
  dialect: Dialect,
  { instance, sequence }: Batch,
  {
    rows,
    additions,
    chunks,
  }: {
    readonly rows: AsyncIterable<readonly BatchRow[]> | Iterable<readonly BatchRow[]>
    readonly additions: number
    readonly chunks: number
  },
): Promise<void> {
  const now = Date.now()
  await tx.query(FORGET_OLD(dialect.timeOf('$1')), [now - KEPT_MS])
  let chunk = chunks
  const keep = (content: Chunk) =>
    tx.query(ADD(dialect.timeOf('$5')), [instance, sequence, (chunk += 1), JSON.stringify(content), now])
  for await (const some of rows) await keep({ rows: some, additions: chunk === chunks ? additions : 0 })
  // a copy that was made during a count may have the late addition without its row
  if (chunk === chunks && additions > 0) await keep({ rows: [], additions })
}

/** Forgets the stored rows of a batch: it arrived sealed, so no copy can contain more. */
export async function forgetUnsealedRows(tx: Statements, { instance, sequence }: Batch): Promise<void> {
  await tx.query(FORGET, [instance, sequence])
}

const nameOf = ({ keyId, endpoint, method, status }: BatchRow): string =>
  `${keyId} ${method} ${status} ${endpoint}`

/** What a row has more than another one with the same name, bin by bin and unit by unit. */
function subtract(row: BatchRow, other: BatchRow): BatchRow {
  const before = new Map<number, number>()
  for (let n = 0; n < other.durationBins.length; n += 2) {
    before.set(other.durationBins[n]!, other.durationBins[n + 1]!)
  }
  const durationBins: number[] = []
  let requestCount = 0
  for (let n = 0; n < row.durationBins.length; n += 2) {
    const [bin, requests] = [row.durationBins[n]!, row.durationBins[n + 1]!]
    const left = Math.max(0, requests - (before.get(bin) ?? 0))
    if (left > 0) durationBins.push(bin, left)
    requestCount += left
  }
  const durationUs = Math.max(0, row.durationUs - other.durationUs)
  return {
    ...row,
    requestCount,
    durationUs,
    durationBins,
    quantities: subtractQuantities(row.quantities ?? [], other.quantities ?? []),
  }
}

function subtractQuantities(
  quantities: readonly RowQuantity[],
  others: readonly RowQuantity[],
): readonly RowQuantity[] {
  const before = new Map(others.map((other) => [other.unit, other]))
  return quantities
    .map(({ unit, requestCount, quantity }) => ({
      unit,
      requestCount: Math.max(0, requestCount - (before.get(unit)?.requestCount ?? 0)),
      quantity: Math.max(0, quantity - (before.get(unit)?.quantity ?? 0)),
    }))
    .filter(({ requestCount, quantity }) => requestCount > 0 || quantity > 0)
}
