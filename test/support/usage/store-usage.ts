import { randomUUID } from 'node:crypto'
import type { DurationBins } from '../../../src/model/duration-bins.ts'
import { DatabaseStore } from '../../../src/store/database-store.ts'
import type { BucketMinutes } from '../../../src/model/batch.ts'
import type { KeyIdentity } from '../../../src/model/key.ts'
import { makeBatch } from './make-batch.ts'
import type { BatchContent } from './make-batch.ts'

/** One stored row; what is absent has a default. */
export interface StoredRow {
  readonly key: KeyIdentity
  /** ISO time of the start of its bucket. */
  readonly bucket: string
  readonly bucketMinutes?: BucketMinutes
  readonly method?: string
  readonly endpoint?: string
  readonly status?: number
  readonly requests: number
  /** How long each of them took; default 1500. */
  readonly durationUs?: number
  /** Default: as `durationUs` says. */
  readonly durationBins?: DurationBins
  /** By unit; each of its requests has all of them. With 0 requests it came later than they were counted. */
  readonly quantities?: Readonly<Record<string, number>>
}

/** A key for tests; its id comes from its number. */
export function testKey(number: number, label: string, rest: Partial<KeyIdentity> = {}): KeyIdentity {
  const id = `aaaaaaaa-0000-4000-8000-${String(number).padStart(12, '0')}`
  return { id, label, name: null, owner: null, ...rest }
}

/** Delivers rows to a database as one instance would, a batch per bucket; each row of a bucket once. */
export async function storeUsage(url: string, rows: readonly StoredRow[]): Promise<void> {
  const store = new DatabaseStore({ url, pepperCheck: '' })
  try {
    await store.connect()
    const instance = randomUUID()
    let [sequence, countedBefore, additionsBefore] = [0, 0, 0]
    const units = new Set(rows.flatMap(({ quantities = {} }) => Object.keys(quantities)))
    const quantitiesBefore = Object.fromEntries([...units].map((unit) => [unit, 0]))
    for (const group of Map.groupBy(rows, ({ bucket }) => bucket).values()) {
      sequence += 1
      const bucket = Date.parse(group[0]!.bucket)
      const batch = makeBatch({
        instance,
        sequence,
        countedBefore,
        additionsBefore,
        additions: group.filter(({ requests }) => requests === 0).length,
        ...(units.size > 0 && { quantitiesBefore }),
        bucket,
        bucketMinutes: group[0]!.bucketMinutes ?? 60,
        sealedAt: bucket,
        identities: Object.fromEntries(group.map(({ key }) => [key.label, key])),
        rows: group.map(toCell),
      })
      await store.recordBatch(batch)
      countedBefore += batch.requestCount
      additionsBefore += batch.units?.additionCount ?? 0
      for (const { unit, quantity } of batch.units?.totals ?? []) quantitiesBefore[unit]! += quantity
    }
  } finally {
    await store.close()
  }
}

function toCell(row: StoredRow): BatchContent['rows'][number] {
  const { key, requests, durationUs = 1500, durationBins, quantities } = row
  return {
    key: key.label,
    keyId: key.id,
    method: row.method ?? 'GET',
    endpoint: row.endpoint ?? '/users/:id',
    status: row.status ?? 200,
    requestCount: requests,
    durationUs: requests * durationUs,
    ...(durationBins && { durationBins }),
    ...(quantities && {
      quantities: Object.entries(quantities).map(([unit, quantity]) => ({
        unit,
        requestCount: requests,
        quantity,
      })),
    }),
  }
}
