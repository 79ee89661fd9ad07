/** A histogram of durations in SQL: the number of its first bin, and the requests of that bin and of those after it. */
export interface HistogramSql {
  readonly first: string
  readonly bins: string
}

/** The histogram of a row of the usage table. */
export function histogramOf(row: string): HistogramSql {
  return { first: `${row}.duration_first_bin`, bins: `${row}.duration_bins` }
}

/** How a database computes with histograms. Only the dialect knows the type of its array of bins. */
export interface HistogramDialect {
  /** A JSON array as the array of this database. */
  fromJson(json: string): string
  /** The array of this database as a JSON array, for `jsonColumn`. */
  toJson(bins: string): string
  /** Two histograms added up. */
  merge(a: HistogramSql, b: HistogramSql): HistogramSql
  /** Aggregate: all histograms added up, as an array of all bins from 0 on. May be null for no rows. */
  sum(histogram: HistogramSql): string
  /** Such a sum as a histogram, without the empty bins at its ends. */
  trim(sum: string): HistogramSql
  /** The number of requests in an array. */
  total(bins: string): string
}
