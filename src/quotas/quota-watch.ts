import type { CountedKey, CountWatcher, RequestQuantities } from '../model/request-counter.ts'
import { UNSET } from '../model/request-counter.ts'
import type { MeasuredQuota, QuotaState, StoredQuotas } from '../model/quota.ts'
import { REQUESTS_UNIT } from '../model/unit.ts'
import { presentPeriod } from '../time/present-period.ts'

/** Batches of a subject told apart; more only wait while the database is away for hours. */
const MOST_BATCHES = 8

/** What this process counted of a subject in one batch. */
interface CountedPart {
  batch: number
  /** Start of its bucket, epoch milliseconds. */
  bucket: number
  /** Requests, then the quantities in the order of the units. */
  readonly sums: Float64Array
}

/** A quota in memory. Times are epoch milliseconds. */
interface KeptQuota {
  readonly quota: MeasuredQuota
  readonly limit: number
  /** Its place in `sums`; -1 for a unit that this app does not declare. */
  readonly place: number
  /** What the database had of the present period. */
  stored: number
  since: number
  until: number
}

/** A key or an owner that has quotas. */
interface Subject {
  readonly quotas: KeptQuota[]
  /** What the measurement does not contain, oldest first. */
  readonly parts: CountedPart[]
}

/**
 * Keeps quotas in memory: what the database had at the last measurement, and what this process has counted since.
 * Watches each count only while there are quotas.
 */
export class QuotaWatch implements CountWatcher {
  readonly #units: readonly string[]
  readonly #now: () => number
  #ofKeys = new Map<string, Subject>()
  #ofOwners = new Map<string | null, Subject>()
  /** Owners of keys as the database has them; of other keys the app's word counts. */
  #owners: ReadonlyMap<string, string | null> = new Map()
  #completeUntil: Date | null = null

  constructor({ units, now }: { readonly units: readonly string[]; readonly now: () => number }) {
    this.#units = units
    this.#now = now
  }

  get isEmpty(): boolean {
    return this.#ofKeys.size === 0 && this.#ofOwners.size === 0
  }

  onCount(key: CountedKey, quantities: RequestQuantities | undefined, batch: number, bucket: number): void {
    const ofKey = this.#ofKeys.get(key.identity.id)
    if (ofKey) this.#addRequest(ofKey, quantities, batch, bucket)
    const ofOwner = this.#ofOwners.get(this.#ownerOf(key))
    if (ofOwner) this.#addRequest(ofOwner, quantities, batch, bucket)
  }

  onAdded(key: CountedKey, unit: number, quantity: number, batch: number, bucket: number): void {
    for (const subject of [this.#ofKeys.get(key.identity.id), this.#ofOwners.get(this.#ownerOf(key))])
      if (subject) this.#partOf(subject, batch, bucket).sums[unit + 1]! += quantity
  }

  /**
   * Takes over a measurement.
   * @param settled the database had all batches before this one when it was measured
   */
  replace({ quotas, owners, lines, completeUntil }: StoredQuotas, settled: number): void {
    const lineOf = new Map(lines.flatMap((line) => line.map((id) => [id, line] as const)))
    const [ofKeys, ofOwners] = [this.#ofKeys, this.#ofOwners]
    this.#ofKeys = new Map()
    this.#ofOwners = new Map()
    for (const quota of quotas) {
      const kept = this.#keep(quota)
      if (quota.keyId === null) enter(this.#ofOwners, quota.owner, ofOwners, settled).quotas.push(kept)
      else
        enterLine(this.#ofKeys, lineOf.get(quota.keyId) ?? [quota.keyId], ofKeys, settled).quotas.push(kept)
    }
    this.#owners = new Map(owners)
    this.#completeUntil = completeUntil
  }

  /** The quotas of a key and its owner; the one with the smallest part left comes first. */
  statesOf(key: CountedKey): QuotaState[] {
    const states: QuotaState[] = []
    const now = this.#now()
    for (const subject of [this.#ofKeys.get(key.identity.id), this.#ofOwners.get(this.#ownerOf(key))])
      for (const kept of subject?.quotas ?? []) states.push(this.#stateOf(kept, subject!.parts, now))
    return states.length > 1 ? states.sort(byPartLeft) : states
  }

  #ownerOf({ identity: { id, owner } }: CountedKey): string | null {
    const stored = this.#owners.get(id)
    return stored === undefined ? owner : stored
  }

  #addRequest(
    subject: Subject,
    quantities: RequestQuantities | undefined,
    batch: number,
    bucket: number,
  ): void {
    const { sums } = this.#partOf(subject, batch, bucket)
    sums[0]! += 1
    if (!quantities) return
    for (let unit = 0; unit < quantities.length; unit += 1)
      if (quantities[unit] !== UNSET) sums[unit + 1]! += quantities[unit]!
  }

  #partOf({ parts }: Subject, batch: number, bucket: number): CountedPart {
    const last = parts[parts.length - 1]
    if (last?.batch === batch) return last
    if (parts.length === MOST_BATCHES) mergeFirst(parts)
    const part = { batch, bucket, sums: new Float64Array(this.#units.length + 1) }
    parts.push(part)
    return part
  }

  #keep(quota: MeasuredQuota): KeptQuota {
    const { unit, limit, used, since, until } = quota
    const declared = this.#units.indexOf(unit)
    return {
      quota,
      limit: Number(limit),
      place: unit === REQUESTS_UNIT ? 0 : declared < 0 ? -1 : declared + 1,
      stored: Number(used),
      since: since.getTime(),
      until: until.getTime(),
    }
  }

  #stateOf(kept: KeptQuota, parts: readonly CountedPart[], now: number): QuotaState {
    if (now >= kept.until) beginPeriod(kept, now)
    let used = kept.stored
    if (kept.place >= 0)
      for (const { bucket, sums } of parts) if (bucket >= kept.since) used += sums[kept.place]!
    const { keyId, owner, unit, per } = kept.quota
    return {
      of: keyId === null ? 'owner' : 'key',
      owner,
      unit,
      per,
      limit: kept.limit,
      used,
      remaining: Math.max(0, kept.limit - used),
      startedAt: new Date(kept.since),
      resetsAt: new Date(kept.until),
      completeUntil: this.#completeUntil,
    }
  }
}

/** Keys of a line are one subject, so what one of them uses counts for all. */
function enterLine(
  subjects: Map<string, Subject>,
  line: readonly string[],
  before: ReadonlyMap<string, Subject>,
  settled: number,
): Subject {
  const known = subjects.get(line[0]!)
  if (known) return known
  const former = new Set(line.flatMap((id) => before.get(id) ?? []))
  const parts = [...former].flatMap(({ parts }) => parts.filter(({ batch }) => batch >= settled))
  const subject = { quotas: [], parts: addUp(parts) }
  for (const id of line) subjects.set(id, subject)
  return subject
}

/** Parts of keys that were linked meanwhile: one per batch. */
function addUp(parts: readonly CountedPart[]): CountedPart[] {
  const byBatch = new Map<number, CountedPart>()
  for (const part of parts.toSorted((a, b) => a.batch - b.batch)) {
    const same = byBatch.get(part.batch)
    if (same) addSums(part, same)
    else byBatch.set(part.batch, copyPart(part))
  }
  const added = [...byBatch.values()]
  while (added.length > MOST_BATCHES) mergeFirst(added)
  return added
}

/** A copy, because keys that were unlinked meanwhile go on counting apart. */
function copyPart(part: CountedPart): CountedPart {
  return { ...part, sums: part.sums.slice() }
}

function addSums({ sums }: CountedPart, to: CountedPart): void {
  for (let place = 0; place < sums.length; place += 1) to.sums[place]! += sums[place]!
}

function enter<Name>(
  subjects: Map<Name, Subject>,
  name: Name,
  before: ReadonlyMap<Name, Subject>,
  settled: number,
): Subject {
  const known = subjects.get(name)
  if (known) return known
  const parts = before.get(name)?.parts.filter(({ batch }) => batch >= settled) ?? []
  const subject = { quotas: [], parts }
  subjects.set(name, subject)
  return subject
}

/** A new period begins with nothing used; the next measurement says what other processes have counted in it. */
function beginPeriod(kept: KeptQuota, now: number): void {
  const { since, until } = presentPeriod(kept.quota, now)
  kept.stored = 0
  kept.since = since.getTime()
  kept.until = until.getTime()
}

/** Counts the older of two parts with the newer one: too much for a while, never too little. */
function mergeFirst(parts: CountedPart[]): void {
  const [first, second] = parts as [CountedPart, CountedPart]
  addSums(first, second)
  parts.shift()
}

/** Of two with the same part left, the one that lasts longer. */
function byPartLeft(a: QuotaState, b: QuotaState): number {
  return a.remaining / a.limit - b.remaining / b.limit || b.resetsAt.getTime() - a.resetsAt.getTime()
}
