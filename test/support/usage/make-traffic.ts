import type { FindingKind } from '../../../src/security/finding.ts'
import { DEFAULT_THRESHOLDS } from '../../../src/security/thresholds.ts'
import type { RowToFill } from './fill-usage.ts'
import { randomInteger, seededRandom } from '../random.ts'

/** A key of generated traffic; `at` is when it was first seen. */
export interface TrafficKey {
  readonly key: number
  readonly at: number
  readonly label?: string
}

/** Something planted that ought to be found. `key` is the number of its key, 0 for unknown keys. */
export interface PlantedIncident {
  readonly kind: FindingKind
  readonly key: number
  readonly from: number
  readonly to: number
}

/** Five weeks of traffic; incidents are in the last one. */
export interface Traffic {
  readonly keys: readonly TrafficKey[]
  readonly rows: readonly RowToFill[]
  readonly incidents: readonly PlantedIncident[]
  /** Start of the last week. */
  readonly lastWeek: number
  readonly end: number
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
const WEEKS = 5
const START = Date.UTC(2026, 8, 28)
const LAST_WEEK = START + (WEEKS - 1) * 7 * DAY
const END = START + WEEKS * 7 * DAY
/** The number of the key that stands for `(rejected)`. */
export const REJECTED = 0

type Random = () => number

interface Customer extends TrafficKey {
  /** Requests an hour in an average hour of the week. */
  readonly rate: number
  readonly shape: (hourOfWeek: number) => number
  readonly growth: number
  readonly scatter: number
  readonly errors: number
  readonly notFound: number
  readonly rejected: number
  readonly endpoints: readonly string[]
  readonly wobble: readonly number[]
}

/**
 * Makes the traffic of about 100 keys: office hours, day and night, daily and weekly jobs; growth, good and bad days,
 * clusters, a holiday, an outage, campaigns, a release, new customers, and some failed, missing and refused requests
 * at all times. With `plant`, two incidents of each kind are in the last week, each 1.3 to 10 times as large as the
 * default threshold of its rule.
 */
export function makeTraffic(seed: number, plant: boolean): Traffic {
  const random = seededRandom(seed)
  const customers = Array.from({ length: 100 }, (_, index) => makeCustomer(index + 1, random))
  const cells = new Cells()
  const holiday = START + randomInteger(random, 0, 27) * DAY
  const outage = START + randomInteger(random, 0, 27 * 24) * HOUR
  const released = LAST_WEEK + randomInteger(random, 0, 3) * DAY
  for (const customer of customers) {
    addUsual(cells, customer, { holiday, outage }, random)
    if (random() < 0.15) addRelease(cells, customer, released, random)
    if (random() < 0.25) addCampaign(cells, customer, random)
  }
  addGuesses(cells, random)
  const newcomers = Array.from({ length: 2 }, (_, index) => addNewcomer(cells, 201 + index, random))
  const planted = plant ? plantIncidents(cells, customers, random) : { keys: [], incidents: [] }
  return {
    keys: [...customers, ...newcomers, ...planted.keys],
    rows: cells.rows(),
    incidents: planted.incidents,
    lastWeek: LAST_WEEK,
    end: END,
  }
}

/** Cells that may be added to, before they become rows. */
class Cells {
  readonly #cells = new Map<string, RowToFill & { requests: number }>()

  add(key: number, bucket: number, endpoint: string, status: number, requests: number): void {
    if (requests <= 0 || bucket >= END) return
    const name = `${key} ${bucket} ${endpoint} ${status}`
    const cell = this.#cells.get(name)
    if (cell) cell.requests += requests
    else this.#cells.set(name, { key, bucket, endpoint, status, requests })
  }

  /** Moves the requests of a key in an hour from success to another status. */
  fail(key: number, bucket: number, status: number, share: number): void {
    const now = [...this.#cells.values()].filter((cell) => cell.key === key && cell.bucket === bucket)
    for (const cell of now) {
      if (cell.status !== 200) continue
      const failed = Math.round(cell.requests * share)
      cell.requests -= failed
      this.add(key, bucket, cell.endpoint!, status, failed)
    }
  }

  /** Requests of a key that were answered 200 in an hour. */
  count(key: number, bucket: number): number {
    let count = 0
    for (const cell of this.#cells.values()) {
      if (cell.key === key && cell.bucket === bucket && cell.status === 200) count += cell.requests
    }
    return count
  }

  rows(): RowToFill[] {
    return [...this.#cells.values()].filter(({ requests }) => requests > 0)
  }
}

const SHAPES: readonly ((random: Random) => (hourOfWeek: number) => number)[] = [
  () => (hour) => (isWeekday(hour) ? officeHours(hour % 24) : 0.05),
  () => (hour) => (isWeekday(hour) ? officeHours(hour % 24) : 0.3),
  () => (hour) => 1 + 0.5 * Math.sin(((hour - 8) / 24) * 2 * Math.PI),
  () => () => 1,
  (random) => {
    const at = randomInteger(random, 0, 23)
    return (hour) => (hour % 24 === at ? 24 : 0)
  },
  (random) => {
    const at = randomInteger(random, 0, 167)
    return (hour) => (hour === at ? 60 : 0.02)
  },
]

function isWeekday(hourOfWeek: number): boolean {
  return hourOfWeek < 120
}

function officeHours(hour: number): number {
  return 0.05 + 3 * Math.exp(-((hour - 13) ** 2) / 18)
}

function makeCustomer(key: number, random: Random): Customer {
  const shape = SHAPES[randomInteger(random, 0, SHAPES.length - 1)]!(random)
  const count = randomInteger(random, 2, 6)
  return {
    key,
    at: START - randomInteger(random, 30, 400) * DAY,
    rate: Math.min(5000, 40 * Math.exp(1.3 * normal(random))),
    shape,
    growth: 1 + 0.02 + 0.04 * normal(random),
    scatter: 0.02 + 0.2 * random(),
    errors: 0.02 * random(),
    notFound: 0.03 * random() ** 2,
    rejected: 0.004 * random() ** 2,
    endpoints: Array.from({ length: count }, () => `/e${randomInteger(random, 1, 40)}`),
    wobble: Array.from({ length: WEEKS * 7 }, () => Math.exp(0.15 * normal(random))),
  }
}

function expected(customer: Customer, time: number): number {
  const hours = (time - START) / HOUR
  const weeks = hours / 168
  return customer.rate * customer.shape(Math.floor(hours) % 168) * customer.growth ** weeks
}

function addUsual(
  cells: Cells,
  customer: Customer,
  { holiday, outage }: { holiday: number; outage: number },
  random: Random,
): void {
  for (let time = START; time < END; time += HOUR) {
    const day = Math.floor((time - START) / DAY)
    const off = day === Math.floor((holiday - START) / DAY) ? 0.3 : 1
    // Jobs start late now and then.
    const late = customer.shape(0) !== 1 && random() < 0.03 ? time - HOUR : time
    const mean = expected(customer, late) * customer.wobble[day]! * off
    const count = clustered(mean, customer.scatter, random)
    addRequests(cells, customer, time, count, time === outage ? 0.6 : customer.errors, random)
  }
}

function addRequests(
  cells: Cells,
  { key, endpoints, notFound, rejected }: Customer,
  time: number,
  count: number,
  errors: number,
  random: Random,
): void {
  const failed = poisson(count * errors, random)
  const missing = poisson(count * notFound, random)
  const refused = poisson(count * rejected, random)
  let left = Math.max(0, count - failed - missing - refused)
  const [first = '/'] = endpoints
  cells.add(key, time, first, random() < 0.5 ? 500 : 422, failed)
  cells.add(key, time, first, 404, missing)
  cells.add(key, time, first, 403, refused)
  for (const endpoint of endpoints) {
    const part = endpoint === endpoints.at(-1) ? left : Math.round(left * (0.4 + 0.3 * random()))
    cells.add(key, time, endpoint, 200, part)
    left -= part
  }
}

/** A new endpoint that some customers begin to use, one by one. */
function addRelease(cells: Cells, customer: Customer, released: number, random: Random): void {
  const from = released + randomInteger(random, 0, 48) * HOUR
  for (let time = from; time < END; time += HOUR) {
    cells.add(customer.key, time, '/released', 200, poisson(expected(customer, time) * 0.2, random))
  }
}

/** A few hours with up to two and a half times as many requests. */
function addCampaign(cells: Cells, customer: Customer, random: Random): void {
  const from = START + randomInteger(random, 0, WEEKS * 168) * HOUR
  const more = 0.5 + random()
  for (let time = from; time < from + randomInteger(random, 1, 6) * HOUR && time < END; time += HOUR) {
    addRequests(
      cells,
      customer,
      time,
      poisson(expected(customer, time) * more, random),
      customer.errors,
      random,
    )
  }
}

/** Unknown keys: a few at all times, and now and then a client with a wrong key. */
function addGuesses(cells: Cells, random: Random): void {
  for (let time = START; time < END; time += HOUR) {
    cells.add(REJECTED, time, '/e1', 401, poisson(random() < 0.01 ? 50 : 6, random))
  }
}

/** A new customer that begins in the last week and grows. */
function addNewcomer(cells: Cells, key: number, random: Random): TrafficKey {
  const from = LAST_WEEK + randomInteger(random, 0, 140) * HOUR
  const rate = 20 * random()
  for (let time = from; time < END; time += HOUR) {
    cells.add(key, time, '/e1', 200, poisson(rate * (1 + (time - from) / (3 * DAY)), random))
  }
  return { key, at: from }
}

interface Planting {
  readonly cells: Cells
  readonly customers: readonly Customer[]
  readonly random: Random
  /** The number of the incident, for keys of its own. */
  readonly number: number
  /** How many times the threshold. */
  readonly size: number
}
type Planted = PlantedIncident & { readonly at?: number }

/** Plants two incidents of each kind, each with a key of its own where it needs one. */
function plantIncidents(
  cells: Cells,
  customers: readonly Customer[],
  random: Random,
): { keys: TrafficKey[]; incidents: PlantedIncident[] } {
  const free = [...customers]
  const planted: Planted[] = []
  for (const [index, plant] of [...PLANTS, ...PLANTS].entries()) {
    const size = 1.3 * Math.exp(random() * Math.log(10 / 1.3))
    const one = plant({ cells, customers: free, random, number: 301 + index, size })
    const used = free.findIndex(({ key }) => key === one.key)
    if (used >= 0) free.splice(used, 1)
    planted.push(one)
  }
  return {
    keys: planted.flatMap(({ key, at }) => (at === undefined ? [] : [{ key, at }])),
    incidents: planted.map(({ kind, key, from, to }) => ({ kind, key, from, to })),
  }
}

const T = DEFAULT_THRESHOLDS
const PLANTS: readonly ((planting: Planting) => Planted)[] = [
  ({ cells, random, size }) => {
    const { from, to } = someHours(random, 4)
    for (let time = from; time < to; time += HOUR) {
      const tries = poisson(T.rejectedRequests * size, random)
      for (let part = 1; part <= 4; part++) cells.add(REJECTED, time, `/e${part}`, 401, Math.ceil(tries / 4))
    }
    return { kind: 'rejected-burst', key: REJECTED, from, to }
  },
  ({ cells, customers, random, size }) => {
    const from = LAST_WEEK + randomInteger(random, 0, 100) * HOUR
    const { key } = pick(customers, random)
    for (let time = from; time < END; time += HOUR) {
      cells.fail(key, time, 401, 1)
      cells.fail(key, time, 422, 1)
      if (time < from + 12 * HOUR)
        cells.add(key, time, '/e1', 401, Math.ceil((T.refusedRequests * size) / 12))
    }
    return { kind: 'refused-key', key, from, to: END }
  },
  ({ cells, customers, random, size }) => {
    const { from, to } = someHours(random, 5)
    const customer = pick(customers, random)
    for (let time = from; time < to; time += HOUR) {
      const rate = Math.max(T.rateRequests, T.rateFactor * expected(customer, time)) * size
      cells.add(customer.key, time, customer.endpoints[0]!, 200, clustered(rate, customer.scatter, random))
    }
    return { kind: 'unusual-rate', key: customer.key, from, to }
  },
  ({ cells, customers, random, size }) => {
    const { from, to } = someHours(random, 3)
    const busy = customers.filter((customer) => cells.count(customer.key, from) > 4 * T.errorRequests)
    const { key } = pick(busy.length > 0 ? busy : customers, random)
    for (let time = from; time < to; time += HOUR) {
      const share = Math.min(0.95, T.errorShare * size)
      const missing = (T.errorRequests * size) / share - cells.count(key, time)
      cells.add(key, time, '/e1', 200, Math.ceil(Math.max(0, missing)))
      cells.fail(key, time, random() < 0.5 ? 500 : 429, share)
    }
    return { kind: 'error-jump', key, from, to }
  },
  ({ cells, customers, random, size }) => {
    const { from, to } = someHours(random, 3)
    const { key } = pick(customers, random)
    const endpoints = Math.ceil(T.scanEndpoints * size)
    const wide = random() < 0.5
    for (let time = from; time < to; time += HOUR) {
      const requests = poisson(T.scanRequests * size, random)
      if (!wide) cells.add(key, time, '(unmatched)', 404, requests)
      const paths = wide ? endpoints : 0
      for (let path = 0; path < paths; path++) {
        cells.add(key, time, `/p${path}`, 404, Math.ceil(requests / paths))
      }
    }
    return { kind: 'scanning', key, from, to }
  },
  ({ cells, customers, random, number, size }) => {
    const { from, to } = someHours(random, 6)
    const { key } = pick(customers, random)
    const each = (T.newEndpointRequests * size * HOUR) / (to - from)
    for (let time = from; time < to; time += HOUR) {
      cells.add(key, time, `/admin/${number}`, 200, Math.ceil(each))
    }
    return { kind: 'new-endpoint', key, from, to }
  },
  ({ cells, random, number, size }) => {
    const { from, to } = someHours(random, 6)
    const at = LAST_WEEK - randomInteger(random, 100, 300) * DAY
    const days = T.dormantDays * size
    cells.add(number, from - Math.ceil(days) * DAY, '/e2', 200, 5)
    for (let time = from; time < to; time += HOUR)
      cells.add(number, time, '/e2', 200, Math.ceil(T.dormantRequests * size))
    return { kind: 'dormant-key', key: number, from, to, at: Math.min(at, from - Math.ceil(days) * DAY) }
  },
  ({ cells, customers, random, number, size }) => {
    const { from } = someHours(random, 1)
    const days = customers.map((customer) => 24 * customer.rate).toSorted((a, b) => a - b)
    const each = (Math.max(T.newKeyRequests, days[Math.floor(days.length * 0.9)]!) * size) / 12
    const to = from + 12 * HOUR
    for (let time = from; time < to; time += HOUR) cells.add(number, time, '/e1', 200, poisson(each, random))
    return { kind: 'new-key-volume', key: number, from, to, at: from }
  },
]

/** Some hours of the last week, of one day. */
function someHours(random: Random, most: number): { from: number; to: number } {
  const hours = randomInteger(random, 1, most)
  const from = LAST_WEEK + (randomInteger(random, 0, 6) * 24 + randomInteger(random, 0, 11)) * HOUR
  return { from, to: from + hours * HOUR }
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[randomInteger(random, 0, list.length - 1)]!
}

/** Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Knuth for small means, the normal approximation for large ones. */
function poisson(mean: number, random: Random): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)))
  let count = -1
  for (let product = 1; product > Math.exp(-mean); count++) product *= random()
  return Math.max(0, count)
}

/** Counts that scatter more than by chance: a Poisson count around a log-normal rate. */
function clustered(mean: number, scatter: number, random: Random): number {
  const deviation = Math.sqrt(Math.log(1 + scatter))
  return poisson(mean * Math.exp(deviation * normal(random) - deviation ** 2 / 2), random)
}
