import type { SetBy } from '../database/entities/api-key-analytics-key.ts'

/** The owner of a key from a moment on (epoch milliseconds), until the next period begins. */
export interface OwnerPeriod {
  /** 0 for the first period, which reaches back to the beginning. */
  readonly since: number
  /** Null when unknown. */
  readonly owner: string | null
  readonly setBy: SetBy
  /** When the app last gave this owner, or a person set it; null when neither happened. */
  readonly saidAt: number | null
}

/** All periods of a key, oldest first, at least one. The last one is current. */
export type OwnerPeriods = readonly OwnerPeriod[]

/** An owner that the app gave, at a time, for a key whose requests it counted in a bucket. */
export interface OwnerWord {
  readonly owner: string
  /** Start of the bucket. */
  readonly bucket: number
  readonly time: number
}

/** Sets the owner from `since` until `until`, and replaces what was known for that time. */
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
 * Applies an owner that the app gave. Returns the same object when nothing changes. The app never changes what a person
 * set, nor a period with newer information. So an older batch that arrives late can only fill time without newer
 * information.
 */
export function hearOwner(periods: OwnerPeriods, { owner, bucket, time }: OwnerWord): OwnerPeriods {
  const index = periods.findLastIndex(({ since }) => since <= bucket)
  const period = periods[index]!
  const until = periods[index + 1]?.since ?? Infinity
  const { since, saidAt } = period
  if (period.setBy === 'person' || (saidAt !== null && time < saidAt)) return periods
  const heard = { owner, setBy: 'app' as const, saidAt: time }
  // A period without a known owner gets this one from its start.
  const from = period.owner === null || period.owner === owner ? since : bucket
  return setOwner(periods, { since: from, until, ...heard })
}

/** Changes the periods of an owner, or of all owners. */
export function replaceOwner(
  periods: OwnerPeriods,
  owner: string | undefined,
  change: Partial<Omit<OwnerPeriod, 'since'>>,
): OwnerPeriods {
  const isTheirs = (period: OwnerPeriod) =>
    owner === undefined ? period.owner !== null : period.owner === owner
  return merge(periods.map((period) => (isTheirs(period) ? Object.assign({}, period, change) : period)))
}

/** Merges neighbours that are equal. */
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
