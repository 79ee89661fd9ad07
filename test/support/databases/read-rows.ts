import type { Batch, BatchRow } from '../../../src/model/batch.ts'

const MOST_ROWS = 1000

/** Reads all rows of a batch. @throws Error when they break what `usage.ts` promises of a batch */
export async function readRows(batch: Batch): Promise<BatchRow[]> {
  const rows: BatchRow[] = []
  for await (const chunk of batch.rows()) {
    if (chunk.length > MOST_ROWS) throw new Error(`A chunk has ${chunk.length} rows.`)
    for (const row of chunk) checkBins(row)
    rows.push(...chunk)
  }
  const sum = rows.reduce((total, { requestCount }) => total + requestCount, 0)
  if (sum !== batch.requestCount) throw new Error(`${sum} requests came in a batch of ${batch.requestCount}.`)
  return rows
}

function checkBins({ endpoint, requestCount, durationBins }: BatchRow): void {
  let last = -1
  let sum = 0
  for (let index = 0; index < durationBins.length; index += 2) {
    const [bin, requests] = [durationBins[index]!, durationBins[index + 1]!]
    if (bin <= last || requests < 1) throw new Error(`${endpoint} has the bins ${durationBins.join()}.`)
    last = bin
    sum += requests
  }
  if (sum !== requestCount)
    throw new Error(`The bins of ${endpoint} sum up to ${sum} and not to ${requestCount}.`)
}
