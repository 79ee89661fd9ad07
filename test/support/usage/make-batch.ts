import { createHash, randomUUID } from 'node:crypto'
import { binOf } from '../../../src/model/duration-bins.ts'
import type { Batch, BatchRow } from '../../../src/model/batch.ts'
import type { KeyIdentity } from '../../../src/model/key.ts'

/** The start of an hour that tests count in. */
export const HOUR = Date.UTC(2026, 10, 2, 9)

/** Of each unit in batches that several processes flush at once. */
export const QUANTITY_PER_REQUEST = 5

/** A batch with its content as lists. */
export interface BatchContent extends Partial<Omit<Batch, 'keys' | 'rows' | 'requestCount'>> {
  readonly rows: readonly (Partial<BatchRow> & { readonly key: string })[]
  /** Names and owners by key. */
  readonly identities?: Readonly<Record<string, Partial<KeyIdentity>>>
  readonly requestCount?: number
  /** Late additions in this batch and before it, and the quantities before it by unit; for batches with units. */
  readonly additions?: number
  readonly additionsBefore?: number
  readonly quantitiesBefore?: Readonly<Record<string, number>>
}

/** The id of a test's key, always the same for the same name. */
export function keyIdOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}

/** Builds a batch as the buffer hands it over: keys and rows sorted, in chunks of at most 1000. */
export function makeBatch(content: BatchContent): Batch {
  const { rows: cells, identities = {}, additions, additionsBefore, quantitiesBefore, ...head } = content
  const rows = cells.map(toRow).sort(compareRows)
  const keys = [...new Set(cells.map(({ key }) => key))]
    .map((key) => Object.assign({ id: keyIdOf(key), label: key, name: null, owner: null }, identities[key]))
    .sort((a, b) => compare(a.id, b.id))
  return {
    instance: randomUUID(),
    sequence: 1,
    bucket: HOUR,
    bucketMinutes: 60,
    countedBefore: 0,
    requestCount: rows.reduce((sum, row) => sum + row.requestCount, 0),
    sealedAt: HOUR + 1000,
    isSealed: true,
    openSequence: undefined,
    ...(quantitiesBefore && {
      units: {
        additionsBefore: additionsBefore ?? 0,
        additionCount: additions ?? 0,
        totals: Object.entries(quantitiesBefore).map(([unit, before]) => {
          return { unit, before, quantity: sumUnit(rows, unit) }
        }),
      },
    }),
    ...head,
    keys: () => inChunks(keys),
    rows: () => inChunks(rows),
  }
}

function sumUnit(rows: readonly BatchRow[], unit: string): number {
  const quantities = rows.flatMap((row) => row.quantities ?? []).filter((one) => one.unit === unit)
  return quantities.reduce((sum, { quantity }) => sum + quantity, 0)
}

function toRow({ key, ...cell }: BatchContent['rows'][number]): BatchRow {
  const defaults = { endpoint: '/', method: 'GET', status: 200, requestCount: 1, durationUs: 1000 }
  const row = { keyId: keyIdOf(key), ...defaults, ...cell }
  // a row may have quantities only
  if (row.requestCount === 0) return { ...row, durationUs: 0, durationBins: [] }
  const bin = binOf(Math.round(row.durationUs / row.requestCount))
  return { durationBins: [bin, row.requestCount], ...row }
}

function compareRows(a: BatchRow, b: BatchRow): number {
  return (
    compare(a.keyId, b.keyId) ||
    compare(a.endpoint, b.endpoint) ||
    compare(a.method, b.method) ||
    a.status - b.status
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

async function* inChunks<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let start = 0; start < items.length; start += 1000) yield items.slice(start, start + 1000)
}
