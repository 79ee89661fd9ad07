import type { BatchRow } from '../../model/batch.ts'

/** Rows for another thread: cloning an object per row takes several times as long. */
export interface PackedRows {
  /** Every id, endpoint and method of the rows, without duplicates. */
  readonly texts: readonly string[]
  /** Per row: the indexes of its texts, its numbers, the length of its histogram, and the histogram. */
  readonly numbers: Float64Array<ArrayBuffer>
}

/** Numbers per row before its histogram. */
const FIXED = 7

export function packRows(rows: readonly BatchRow[]): PackedRows {
  const length = rows.reduce((sum, { durationBins }) => sum + FIXED + durationBins.length, 0)
  const numbers = new Float64Array(length)
  const texts = new Map<string, number>()
  const placeOf = (text: string): number => {
    const index = texts.get(text) ?? texts.size
    if (index === texts.size) texts.set(text, index)
    return index
  }
  let at = 0
  for (const { keyId, endpoint, method, status, requestCount, durationUs, durationBins } of rows) {
    numbers[at] = placeOf(keyId)
    numbers[at + 1] = placeOf(endpoint)
    numbers[at + 2] = placeOf(method)
    numbers[at + 3] = status
    numbers[at + 4] = requestCount
    numbers[at + 5] = durationUs
    numbers[at + 6] = durationBins.length
    at += FIXED
    for (const number of durationBins) numbers[at++] = number
  }
  return { texts: [...texts.keys()], numbers }
}

export function unpackRows({ texts, numbers }: PackedRows): BatchRow[] {
  const rows: BatchRow[] = []
  for (let at = 0; at < numbers.length;) {
    const durationBins: number[] = []
    const end = at + FIXED + numbers[at + 6]!
    for (let index = at + FIXED; index < end; index += 1) durationBins.push(numbers[index]!)
    rows.push({
      keyId: texts[numbers[at]!]!,
      endpoint: texts[numbers[at + 1]!]!,
      method: texts[numbers[at + 2]!]!,
      status: numbers[at + 3]!,
      requestCount: numbers[at + 4]!,
      durationUs: numbers[at + 5]!,
      durationBins,
    })
    at = end
  }
  return rows
}
