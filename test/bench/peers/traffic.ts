import { seededRandom } from '../../support/random.ts'
import { KEYS, ROUTES } from './sample-app.ts'

/** Which key calls which route next. `skewed` is Zipf: the second key makes half as many requests as the first. */
export type Traffic = 'uniform' | 'skewed'
export const TRAFFICS: readonly Traffic[] = ['uniform', 'skewed']

/** The bytes of the next request. */
export type NextRequest = () => string

/** Every key on every route once, then again: so that a measurement meets no cell for the first time. */
export function walkAllCells(): NextRequest {
  let next = 0
  return () => {
    const cell = next++ % (KEYS.length * ROUTES.length)
    return requestOf(cell % KEYS.length, Math.floor(cell / KEYS.length))
  }
}

/** Requests by chance, the same ones for the same seed. */
export function drawRequests(traffic: Traffic, seed: number): NextRequest {
  const random = seededRandom(seed)
  const draw = traffic === 'uniform' ? drawEvenly : drawByZipf
  const drawKey = draw(KEYS.length, random)
  const drawRoute = draw(ROUTES.length, random)
  return () => requestOf(drawKey(), drawRoute())
}

const HEADS = ROUTES.map(({ method, example }) => `${method} ${example} HTTP/1.1\r\nHost: api\r\n`)
const TAILS = KEYS.map((key) => `X-API-Key: ${key.secret}\r\n\r\n`)

const requestOf = (key: number, route: number): string => HEADS[route]! + TAILS[key]!

function drawEvenly(count: number, random: () => number): () => number {
  return () => Math.floor(random() * count)
}

function drawByZipf(count: number, random: () => number): () => number {
  const table = new Uint16Array(65_536)
  const weights = Array.from({ length: count }, (_, index) => 1 / (index + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let passed = 0
  weights.forEach((weight, index) => {
    const start = Math.round((passed / total) * table.length)
    passed += weight
    table.fill(index, start, Math.round((passed / total) * table.length))
  })
  return () => table[Math.floor(random() * table.length)]!
}
