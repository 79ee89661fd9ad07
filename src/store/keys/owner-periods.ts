import type { SetBy } from '../database/entities/api-key-analytics-key.ts'

/** Who owned a key from a moment on (epoch milliseconds), until the next period begins. */
export interface OwnerPeriod {
  /** 0 for the first period, which reaches back to the beginning. */
  readonly since: number
  /** Null when nobody knows. */
  readonly owner: string | null
  readonly setBy: SetBy
  /** When the app last said so, or the person set it; null when nobody did. */
  readonly saidAt: number | null
}

/** All periods of a key, oldest first, at least one. The last one is the present. */
export type OwnerPeriods = readonly OwnerPeriod[]

/** That the app said, at a time, who owns a key whose requests it counted in a bucket. */
export interface OwnerWord {
  readonly owner: string
  /** Start of the bucket. */
  readonly bucket: number
  readonly time: number
}

/** Makes `owner` the owner from `since` until `until`, in place of what was known of that time. */
export function setOwner(
  periods: OwnerPeriods,
  { since, until, ...given }: OwnerPeriod & { readonly until: number },
): OwnerPeriods {
  const before = periods.filter((period) => period.since < since)
  const last = periods.findLast((period) => period.since <= until)
  const after = periods.filter((period) => period.since > until)
  const rest = last && until < Infinity ? [{ ...last, since: until }] : []
  return merge([...before, { since, ...given }, ...rest, ...after])
}

/**
 * What the periods are once the app's word was heard; the same object when it changes nothing. A word never changes
 * what a person set, nor a period of which something newer was said: so an older batch that arrives late can only fill
 * in time of which nothing newer is known.
 */
export function hearOwner(periods: OwnerPeriods, { owner, bucket, time }: OwnerWord): OwnerPeriods {
  const index = periods.findLastIndex(({ since }) => since <= bucket)
  const period = periods[index]!
  const until = periods[index + 1]?.since ?? Infinity
  const { since, saidAt } = period
  if (period.setBy === 'person' || (saidAt !== null && time < saidAt)) return periods
  const heard = { owner, setBy: 'app' as const, saidAt: time }
  // a time of which nobody knew the owner gets it from its beginning
  const from = period.owner === null || period.owner === owner ? since : bucket
  return setOwner(periods, { since: from, until, ...heard })
}

/** Changes the periods of an owner; of all owners without one. */
export function replaceOwner(
  periods: OwnerPeriods,
  owner: string | undefined,
  change: Partial<Omit<OwnerPeriod, 'since'>>,
): OwnerPeriods {
  const isTheirs = (period: OwnerPeriod) =>
    owner === undefined ? period.owner !== null : period.owner === owner
  return merge(periods.map((period) => (isTheirs(period) ? Object.assign({}, period, change) : period)))
}

/** Neighbours that say the same become one. */
function merge(periods: OwnerPeriods): OwnerPeriods {
  const merged: OwnerPeriod[] = []
  for (const period of periods) {
    const last = merged.at(-1)
    if (last?.owner !== period.owner || last.setBy !== period.setBy) {
      merged.push(period)
      continue
    }
    const saidAt = Math.max(last.saidAt ?? -Infinity, period.saidAt ?? -Infinity)
    merged[merged.length - 1] = { ...last, saidAt: saidAt === -Infinity ? null : saidAt }
  }
  return merged
}
