import type { BatchRow, RowQuantity } from '../../model/batch.ts'

/** Rows for another thread: cloning an object per row takes several times as long. */
export interface PackedRows {
  /** Every id, endpoint and method of the rows, without duplicates. */
  readonly texts: readonly string[]
  /**
   * Per row: the indexes of its texts, its numbers, how many quantities it has, the length of its histogram, the
   * histogram, and for each quantity the index of its unit, its requests and itself.
   */
  readonly numbers: Float64Array<ArrayBuffer>
}

/** Numbers per row before its histogram. */
const FIXED = 8
/** Numbers per quantity. */
const PER_QUANTITY = 3

export function packRows(rows: readonly BatchRow[]): PackedRows {
  const length = rows.reduce(
    (sum, { durationBins, quantities = [] }) =>
      sum + FIXED + durationBins.length + quantities.length * PER_QUANTITY,
    0,
  )
  const numbers = new Float64Array(length)
  const texts = new Map<string, number>()
  const placeOf = (text: string): number => {
    const index = texts.get(text) ?? texts.size
    if (index === texts.size) texts.set(text, index)
    return index
  }
  let at = 0
  for (const row of rows) {
    const { keyId, endpoint, method, status, requestCount, durationUs, durationBins, quantities = [] } = row
    numbers[at] = placeOf(keyId)
    numbers[at + 1] = placeOf(endpoint)
    numbers[at + 2] = placeOf(method)
    numbers[at + 3] = status
    numbers[at + 4] = requestCount
    numbers[at + 5] = durationUs
    numbers[at + 6] = durationBins.length
    numbers[at + 7] = quantities.length
    at += FIXED
    for (const number of durationBins) numbers[at++] = number
    for (const { unit, requestCount, quantity } of quantities) {
      numbers[at] = placeOf(unit)
      numbers[at + 1] = requestCount
      numbers[at + 2] = quantity
      at += PER_QUANTITY
    }
  }
  return { texts: [...texts.keys()], numbers }
}

export function unpackRows({ texts, numbers }: PackedRows): BatchRow[] {
  const rows: BatchRow[] = []
  for (let at = 0; at < numbers.length;) {
    const durationBins: number[] = []
    const end = at + FIXED + numbers[at + 6]!
    for (let index = at + FIXED; index < end; index += 1) durationBins.push(numbers[index]!)
    const quantities: RowQuantity[] = []
    const next = end + numbers[at + 7]! * PER_QUANTITY
    for (let index = end; index < next; index += PER_QUANTITY) {
      quantities.push({
        unit: texts[numbers[index]!]!,
        requestCount: numbers[index + 1]!,
        quantity: numbers[index + 2]!,
      })
    }
    rows.push({
      keyId: texts[numbers[at]!]!,
      endpoint: texts[numbers[at + 1]!]!,
      method: texts[numbers[at + 2]!]!,
      status: numbers[at + 3]!,
      requestCount: numbers[at + 4]!,
      durationUs: numbers[at + 5]!,
      durationBins,
      ...(quantities.length > 0 && { quantities }),
    })
    at = next
  }
  return rows
}
