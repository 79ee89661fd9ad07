/** A histogram of durations in SQL: the number of its first bin, and the requests of that bin and of those after it. */
export interface HistogramSql {
  readonly first: string
  readonly bins: string
}

/** The histogram of a row of the usage table. */
export function histogramOf(row: string): HistogramSql {
  return { first: `${row}.duration_first_bin`, bins: `${row}.duration_bins` }
}

/** How a database computes with histograms; what its array of bins is, only it knows. */
export interface HistogramDialect {
  /** The array of a JSON array. */
  fromJson(json: string): string
  /** The JSON array of an array, for `jsonColumn`. */
  toJson(bins: string): string
  /** Two as one. */
  merge(a: HistogramSql, b: HistogramSql): HistogramSql
  /** Aggregate: the array of many as one, all bins from 0 on. Without any it may be null. */
  sum(histogram: HistogramSql): string
  /** The histogram of such a sum, without the empty bins at its ends. */
  trim(sum: string): HistogramSql
  /** The requests in an array. */
  total(bins: string): string
}
