import { BIN_COUNT } from '../../duration-bins.ts'
import type { HistogramDialect } from './histogram.ts'

/** Histograms are JSON arrays; functions of ours merge them, in a fifth of the time that SQLite's JSON functions take. */
export const SQLITE_HISTOGRAM: HistogramDialect = {
  fromJson: (json) => json,
  toJson: (bins) => `json(${bins})`,
  ofRow: (row) => ({
    first: `coalesce(${row}.duration_first_bin, 0)`,
    bins: `coalesce(${row}.duration_bins, json_array(${row}.request_count))`,
  }),
  merge: (a, b) => ({
    first: `min(${a.first}, ${b.first})`,
    bins: `merge_bins(${a.first}, ${a.bins}, ${b.first}, ${b.bins})`,
  }),
  sum: ({ first, bins }) => `sum_bins(${first}, ${bins})`,
  trim: (sum) => ({ first: `first_bin(${sum})`, bins: `trim_bins(${sum})` }),
  total: (bins) => `(select sum(value) from json_each(${bins}))`,
}

/** What of a connection of better-sqlite3 is needed to give it functions. */
interface Functions {
  function(name: string, options: { deterministic: boolean }, run: (...values: never[]) => unknown): unknown
  aggregate(
    name: string,
    options: {
      deterministic: boolean
      start: () => number[]
      step: (sum: number[], first: number | null, bins?: string | null) => void
      result: (sum: number[]) => string
    },
  ): unknown
}

/** Gives a connection the functions that the statements above call. */
export function addHistogramFunctions(connection: Functions): void {
  const deterministic = true
  connection.function('merge_bins', { deterministic }, mergeBins)
  connection.function('first_bin', { deterministic }, (sum: string) => findEnds(readBins(sum)).first)
  connection.function('trim_bins', { deterministic }, trimBins)
  connection.aggregate('sum_bins', {
    deterministic,
    start: () => Array.from({ length: BIN_COUNT }, () => 0),
    step(sum, first, bins) {
      if (first === null || !bins) return
      for (const [index, requests] of readBins(bins).entries()) sum[first + index]! += requests
    },
    result: (sum) => JSON.stringify(sum),
  })
}

function mergeBins(firstOfA: number, binsOfA: string, firstOfB: number, binsOfB: string): string {
  const [a, b] = [readBins(binsOfA), readBins(binsOfB)]
  const first = Math.min(firstOfA, firstOfB)
  const merged = Array.from({ length: Math.max(firstOfA + a.length, firstOfB + b.length) - first }, () => 0)
  for (const [index, requests] of a.entries()) merged[firstOfA - first + index]! += requests
  for (const [index, requests] of b.entries()) merged[firstOfB - first + index]! += requests
  return JSON.stringify(merged)
}

function trimBins(sum: string): string {
  const bins = readBins(sum)
  const { first, last } = findEnds(bins)
  return JSON.stringify(bins.slice(first, last + 1))
}

function findEnds(bins: number[]): { first: number; last: number } {
  return {
    first: bins.findIndex((requests) => requests > 0),
    last: bins.findLastIndex((requests) => requests > 0),
  }
}

function readBins(json: string): number[] {
  return JSON.parse(json) as number[]
}
