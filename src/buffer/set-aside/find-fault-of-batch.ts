import type { BatchRow, BucketMinutes, RowQuantity, UnitTotal } from '../../model/batch.ts'
import { BIN_COUNT } from '../../model/duration-bins.ts'
import { isCount } from '../../model/is-count.ts'
import { isUnitName } from '../../model/unit.ts'
import type { SetAsideBatch } from './set-batch-aside.ts'

/** In lower case only: the ledger of SQLite knows an instance by its text. */
const INSTANCE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const BUCKET_MINUTES: ReadonlySet<BucketMinutes> = new Set([1, 60, 1440])

/** What is wrong with a batch that was set aside: a person may have edited its file. Undefined when nothing is. */
export function findFaultOfBatch(content: SetAsideBatch): string | undefined {
  const { instance, sequence, bucket, sealedAt, bucketMinutes, countedBefore, requestCount, keys, rows } =
    content
  if (!INSTANCE.test(instance)) return 'its instance is no UUID'
  if (![sequence, countedBefore, requestCount].every(isCount))
    return 'its sequence, countedBefore or requestCount is no whole number'
  if ([bucket, sealedAt].some((time) => Number.isNaN(Date.parse(time)))) return 'its times cannot be read'
  if (!BUCKET_MINUTES.has(bucketMinutes)) return 'its bucketMinutes are none of 1, 60 and 1440'
  if (!Array.isArray(keys) || !Array.isArray(rows)) return 'it has no keys or no rows'
  const known = new Set(keys.map(({ id }) => id))
  if (!rows.every(isRow)) return 'a row lacks a field, or has one that is no count or no text'
  if (!rows.every(({ keyId }) => known.has(keyId))) return 'a row names a key that it does not have'
  if (rows.reduce((sum, row) => sum + row.requestCount, 0) !== requestCount)
    return 'its rows do not sum up to its requestCount'
  const wrongUnits = findFaultOfUnits(content)
  if (wrongUnits) return wrongUnits
  const names = new Set(rows.map((row) => JSON.stringify([row.keyId, row.endpoint, row.method, row.status])))
  return names.size < rows.length ? 'it has two rows of one key, endpoint, method and status' : undefined
}

function findFaultOfUnits({ units, rows }: SetAsideBatch): string | undefined {
  const { additionsBefore = 0, additionCount = 0, totals = [] } = units ?? {}
  const isTotal = ({ unit, before, quantity }: UnitTotal) =>
    isUnitName(unit) && isCount(before) && isCount(quantity)
  if (![additionsBefore, additionCount].every(isCount) || !Array.isArray(totals) || !totals.every(isTotal))
    return 'its units lack a field, or have one that is no count or no unit'
  const sums = new Map<string, number>()
  for (const { unit, quantity } of rows.flatMap((row) => row.quantities ?? []))
    sums.set(unit, (sums.get(unit) ?? 0) + quantity)
  const isWhole = totals.every(({ unit, quantity }) => (sums.get(unit) ?? 0) === quantity)
  if (!isWhole || [...sums.keys()].some((unit) => !totals.some((total) => total.unit === unit)))
    return 'its rows do not sum up to the quantities of its units'
  return undefined
}

function isRow({
  endpoint,
  method,
  status,
  requestCount,
  durationUs,
  durationBins,
  ...row
}: BatchRow): boolean {
  const { quantities = [] } = row
  const counts: unknown[] = [status, requestCount, durationUs]
  const texts: unknown[] = [endpoint, method]
  return (
    counts.every(isCount) &&
    texts.every((text) => typeof text === 'string') &&
    areBins(durationBins, requestCount) &&
    areQuantities(quantities)
  )
}

/** Whether these are quantities, at most one of each unit. */
function areQuantities(quantities: readonly RowQuantity[]): boolean {
  if (!Array.isArray(quantities)) return false
  const isQuantity = ({ unit, requestCount, quantity }: RowQuantity) =>
    isUnitName(unit) && isCount(requestCount) && isCount(quantity)
  return (
    quantities.every(isQuantity) && new Set(quantities.map(({ unit }) => unit)).size === quantities.length
  )
}

/** Whether these are bins in ascending order, each with its requests, which sum up to `requestCount`. */
function areBins(bins: readonly number[], requestCount: number): boolean {
  if (!Array.isArray(bins) || bins.length % 2 !== 0 || !bins.every(isCount)) return false
  let sum = 0
  for (let index = 0; index < bins.length; index += 2) {
    if (bins[index]! >= BIN_COUNT || (index > 0 && bins[index]! <= bins[index - 2]!)) return false
    sum += bins[index + 1]!
  }
  return sum === requestCount
}
