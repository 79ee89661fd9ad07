import type { SampleKey } from './sample-api.ts'

/** One request to the sample API. */
export interface SampleRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly path: string
  readonly etag?: string
}

/** A program that uses the sample API. */
export interface SampleClient {
  /** Without one the client's key is a guess. */
  readonly key?: SampleKey
  /** Requests per hour of a day; days are 0 to 6. */
  readonly rate: (day: number, hour: number) => number
  /** The paths that it requests, each with the same probability. */
  readonly requests: readonly ((random: number) => SampleRequest)[]
}

/** The day from which the trial's key is revoked. */
export const REVOKED_FROM_DAY = 4
/** The key that is revoked then. */
export const TRIAL: SampleKey = { id: 'key_trial', name: 'Trial', owner: 'Hooli' }

const get = (path: string) => (): SampleRequest => ({ method: 'GET', path })
const getOne =
  (path: string, ids: number) =>
  (random: number): SampleRequest => ({
    method: 'GET',
    path: `${path}/${1 + Math.floor(random * ids)}`,
  })
const order = (): SampleRequest => ({ method: 'POST', path: '/v1/orders' })
const listAgain = (): SampleRequest => ({ method: 'GET', path: '/v1/products', etag: '"products-1"' })
const daytime = (hour: number) => Math.max(0, Math.sin(((hour - 5) / 24) * 2 * Math.PI))

/** The clients of the sample API during its week, each with its own behaviour. */
export const SAMPLE_CLIENTS: readonly SampleClient[] = [
  {
    key: { id: 'key_mobile', name: 'Mobile app', owner: 'Acme' },
    rate: (day, hour) => 2 + 28 * daytime(hour) * (1 + day / 10),
    requests: [get('/v1/products'), listAgain, getOne('/v1/products', 104), getOne('/v1/orders', 900), order],
  },
  {
    key: { id: 'key_shop', name: 'Web shop', owner: 'Acme' },
    rate: (_day, hour) => 3 + 9 * daytime(hour),
    requests: [listAgain, getOne('/v1/products', 101), getOne('/v1/products', 100), order],
  },
  {
    key: { id: 'key_books', name: 'Bookkeeping', owner: 'Globex', readOnly: true },
    rate: (_day, hour) => (hour === 2 || hour === 3 ? 40 : 0),
    requests: [
      getOne('/v1/customers/17/invoices', 500),
      getOne('/v1/customers/42/invoices', 500),
      get('/v1/customers/17/invoices'),
      (random) => (random < 0.2 ? order() : get('/v1/customers/42/invoices')()),
    ],
  },
  {
    key: { id: 'key_charts', name: 'Charts', owner: 'Initech' },
    rate: (day) => (day < 5 ? 2 : 5),
    requests: [
      (random) => ({ method: 'GET', path: `/v1/reports/${random < 0.6 ? 2025 : 2026}` }),
      getOne('/v1/products', 100),
    ],
  },
  {
    key: { id: 'key_monitor', name: 'Uptime monitor', owner: 'Initech' },
    rate: () => 2,
    requests: [() => ({ method: 'HEAD', path: '/v1/products/1' })],
  },
  { key: TRIAL, rate: () => 2, requests: [get('/v1/products'), getOne('/v1/orders', 9)] },
  {
    // On one evening a client scans for vulnerabilities.
    rate: (day, hour) => (day === 5 && hour > 18 ? 25 : 0),
    requests: [get('/.env'), getOne('/v1/customers/1/invoices', 99), getOne('/v1/orders', 99), order],
  },
]

/** Pseudo-random numbers from 0 to 1 that are the same in every run (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The requests of a client within one hour. */
export function requestsOf(
  { rate, requests }: SampleClient,
  { day, hour }: { day: number; hour: number },
  random: () => number,
): SampleRequest[] {
  const count = Math.round(rate(day, hour) * (0.8 + 0.4 * random()))
  return Array.from({ length: count }, () => {
    const make = requests[Math.floor(random() * requests.length)]
    return make ? make(random()) : { method: 'GET', path: '/' }
  })
}
