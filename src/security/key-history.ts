import { isReservedKey } from '../model/key.ts'
import type { KeyRecord } from '../model/key.ts'
import { fitDispersion, medianOf, surpriseOf } from './surprise.ts'
import { HOUR_MS } from '../time/units.ts'

/** The counts per hour; every request is in exactly one of the first three. */
export interface HourCounts {
  /** Neither rejected nor not found. */
  readonly served: Float64Array
  /** Statuses 401 and 403. */
  readonly rejected: Float64Array
  /** Statuses 404 and 405. */
  readonly notFound: Float64Array
  /** Those of `served` with any other status from 400 on. */
  readonly failed: Float64Array
}
export type Measure = keyof HourCounts

/** Neighbouring hours of a key with unusual counts. */
export interface Incident {
  readonly from: Date
  readonly to: Date
  /** The unusual hours, by index. */
  readonly hours: readonly number[]
}

/** An incident of too many requests. */
export interface Surge extends Incident {
  /** In the unusual hours. */
  readonly count: number
  /** The hour that is furthest above normal. */
  readonly peak: { readonly count: number; readonly normal: number }
}

/** What a key used of one unit. */
export interface UsedUnit {
  readonly unit: string
  /** What a request usually uses of it. */
  readonly perRequest: number
  /** The quantities as `served`, in usual requests: so they are judged as a rate is. */
  readonly usual: KeyHistory
  /** What was used in some hours. */
  sum(hours: readonly number[]): { readonly quantity: bigint; readonly requestCount: number }
}

const WEEK_HOURS = 168
/** Hours this close belong to one incident. */
const SAME_INCIDENT_HOURS = 6

/** The hours of one key: its history, then the period to check. */
export class KeyHistory {
  readonly key: KeyRecord
  readonly counts: HourCounts
  /** Index of the first hour of the period. */
  readonly periodStart: number
  /** Index of the first hour with information: of the key's first use, or of the start of the database. */
  readonly start: number
  /** What it used of each unit that it used in the period. */
  readonly units: readonly UsedUnit[]
  readonly #origin: number

  constructor(parts: {
    key: KeyRecord
    counts: HourCounts
    periodStart: number
    start: number
    origin: Date
    units: readonly UsedUnit[]
  }) {
    this.key = parts.key
    this.counts = parts.counts
    this.periodStart = parts.periodStart
    this.start = Math.min(parts.start, parts.periodStart)
    this.units = parts.units
    this.#origin = parts.origin.getTime()
  }

  /** Whether it is `(other)` or `(rejected)`, which stand for many keys. */
  get isShared(): boolean {
    return isReservedKey(this.key.id)
  }

  /** Hours of the history and the period. */
  get length(): number {
    return this.counts.served.length
  }

  /** Days of history before the period. */
  get days(): number {
    return (this.periodStart - this.start) / 24
  }

  /** Indexes of the hours of the period. */
  period(): number[] {
    const hours = this.length - this.periodStart
    return Array.from({ length: hours }, (_, offset) => this.periodStart + offset)
  }

  /** Indexes of the hours before a time. */
  before(time: Date): number[] {
    const hours = Math.ceil((time.getTime() - this.#origin) / HOUR_MS)
    return Array.from({ length: Math.max(0, hours) }, (_, hour) => hour)
  }

  /** Start of the hour with an index. */
  timeOf(hour: number): Date {
    return new Date(this.#origin + hour * HOUR_MS)
  }

  /** A measure of one hour. */
  count(measure: Measure, hour: number): number {
    return this.counts[measure][hour] ?? 0
  }

  /** A measure summed up over some hours. */
  sum(measure: Measure, hours: readonly number[]): number {
    return hours.reduce((sum, hour) => sum + this.count(measure, hour), 0)
  }

  /** All requests of one hour. */
  all(hour: number): number {
    return this.count('served', hour) + this.count('rejected', hour) + this.count('notFound', hour)
  }

  /** All requests of some hours. */
  sumAll(hours: readonly number[]): number {
    return hours.reduce((sum, hour) => sum + this.all(hour), 0)
  }

  /**
   * The normal value for an hour: the median, over the weeks of the history, of the same hour of the week. Uses the
   * hour before or after it where that was busier, because jobs do not start at the exact minute.
   */
  normalAt(measure: Measure, hour: number): number {
    const weeks: number[] = []
    for (let same = hour % WEEK_HOURS; same < this.periodStart; same += WEEK_HOURS) {
      if (same < this.start || same === hour) continue
      weeks.push(this.#busiest(measure, same))
    }
    return medianOf(weeks)
  }

  /** The incidents of the period in which a measure was far above normal. */
  findSurges(
    measure: Measure,
    { atLeast, factor, surprise }: { atLeast: number; factor: number; surprise: number },
  ): Surge[] {
    let dispersion: number | undefined
    const hours = this.period().filter((hour) => {
      const count = this.count(measure, hour)
      if (count < atLeast) return false
      const normal = this.normalAt(measure, hour)
      if (count < factor * normal) return false
      dispersion ??= this.#dispersionOf(measure)
      return surpriseOf(count, Math.max(normal, 1), dispersion) >= surprise
    })
    return this.toIncidents(hours).map(({ from, to, hours }) => ({
      from,
      to,
      hours,
      count: this.sum(measure, hours),
      peak: this.#peakOf(measure, hours),
    }))
  }

  /** Groups hours (ascending indexes) into incidents. */
  toIncidents(hours: readonly number[]): Incident[] {
    const groups: number[][] = []
    for (const hour of hours) {
      const last = groups.at(-1)
      if (last && hour - last.at(-1)! <= SAME_INCIDENT_HOURS) last.push(hour)
      else groups.push([hour])
    }
    return groups.map((group) => this.spanOf(group))
  }

  /** Makes one incident of hours (ascending indexes, at least one). */
  spanOf(hours: readonly number[]): Incident {
    return { from: this.timeOf(hours[0]!), to: this.timeOf(hours.at(-1)! + 1), hours }
  }

  #busiest(measure: Measure, hour: number): number {
    const near = [hour - 1, hour, hour + 1].filter((one) => one >= this.start && one < this.periodStart)
    return Math.max(...near.map((one) => this.count(measure, one)))
  }

  #dispersionOf(measure: Measure): number {
    const past: { count: number; normal: number }[] = []
    for (let hour = this.start; hour < this.periodStart; hour++) {
      const normal = this.normalAt(measure, hour)
      if (normal >= 1) past.push({ count: this.count(measure, hour), normal })
    }
    return fitDispersion(past)
  }

  #peakOf(measure: Measure, hours: readonly number[]): { count: number; normal: number } {
    const peaks = hours.map((hour) => ({
      count: this.count(measure, hour),
      normal: this.normalAt(measure, hour),
    }))
    return peaks.reduce((most, one) => (one.count - one.normal > most.count - most.normal ? one : most))
  }
}
