import { BIN_COUNT } from '../../../model/duration-bins.ts'
import type { HistogramDialect } from '../histogram.ts'

const ALL_BINS = Array.from({ length: BIN_COUNT }, (_, bin) => bin)

/** Histograms are arrays of bigint. */
export const POSTGRESQL_HISTOGRAM: HistogramDialect = {
  fromJson: (json) => `translate(${json}, '[]', '{}')::bigint[]`,
  toJson: (bins) => bins,
  merge: (a, b) => ({
    first: `least(${a.first}, ${b.first})`,
    // A bin beyond the end of an array is null. The series covers both arrays and no more.
    bins: `array(
    select coalesce((${a.bins})[bin - ${a.first} + 1], 0) + coalesce((${b.bins})[bin - ${b.first} + 1], 0)
    from generate_series(
      least(${a.first}, ${b.first}),
      greatest(${a.first} + cardinality(${a.bins}), ${b.first} + cardinality(${b.bins})) - 1
    ) as bin)`,
  }),
  // double precision is exact to 2^53, and sums of bigint would be computed in numeric, which is slower
  sum: ({ first, bins }) => {
    const sums = ALL_BINS.map((bin) => `sum((${bins})[${bin + 1} - ${first}]::double precision)`)
    return `array[${sums.join(', ')}]`
  },
  trim: (sum) => {
    const used = `unnest(${sum}) with ordinality as used (requests, number) where used.requests > 0`
    const ends = `(select min(used.number) from ${used}) and (select max(used.number) from ${used})`
    return {
      first: `(select min(used.number) - 1 from ${used})`,
      bins: `array(
    select coalesce(requests, 0)::bigint
    from unnest(${sum}) with ordinality as bin (requests, number)
    where bin.number between ${ends}
    order by bin.number)`,
    }
  },
  total: (bins) => `(select sum(requests) from unnest(${bins}) as bin (requests))`,
}
