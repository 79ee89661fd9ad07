import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Router } from '@koa/router'
import Koa from 'koa'
import { vi } from 'vitest'
import { startAnalytics } from '../../../src/analytics.ts'
import type { ApiKeyAnalytics } from '../../../src/api-key-analytics.ts'
import type { AnalyticsError } from '../../../src/model/errors.ts'
import { listen } from '../apps/listen.ts'
import type { Listening } from '../apps/listen.ts'

/** One request as its client saw it, with what the app knew of its key at that time. */
export interface Answer {
  /** `2026-10-17`. */
  readonly day: string
  readonly key: string
  owner: string
  readonly method: string
  readonly path: string
  readonly status: number
}

/** What the app knows of a key; changes during the autumn. */
export interface Account {
  name: string
  owner: string
}

/** A team's autumn: its accounts, and every answer that its clients got. */
export interface Autumn extends AsyncDisposable {
  readonly accounts: ReadonlyMap<string, Account>
  readonly answers: readonly Answer[]
  readonly errors: readonly AnalyticsError[]
}

export const CUSTOMERS = ['Acme', 'Globex', 'Initrode', 'Umbrella', 'Hooli', 'Soylent', 'Vandelay', 'Wonka']
const KEY_COUNT = 40
/** On these days of a month, always at nine, everybody calls. */
const DAYS = ['02', '08', '14', '17', '28']
/** The day on which the story is told: the last with requests. */
export const TODAY = new Date('2026-11-26T14:05:00Z')

interface Service extends Listening {
  readonly analytics: ApiKeyAnalytics
}

/**
 * Plays September, October and November up to today: two services of one team count on one database what 40 keys of
 * eight customers call. `morning` is called before the requests of each day, so that customers may change. `Date` must
 * be fake.
 */
export async function playAutumn(
  { database, folder }: { database: string; folder: string },
  morning: (day: string, accounts: ReadonlyMap<string, Account>) => void,
): Promise<Autumn> {
  const accounts = new Map<string, Account>()
  for (let number = 1; number <= KEY_COUNT; number += 1) {
    const owner = CUSTOMERS[number % CUSTOMERS.length]!
    accounts.set(nameOf(number), { name: `App ${number}`, owner })
  }
  const answers: Answer[] = []
  const errors: AnalyticsError[] = []
  const start = (name: string, router: Router) =>
    startService({ database, dataDir: join(folder, name) }, router, accounts, errors)
  const services = [await start('orders', ordersRouter()), await start('catalog', catalogRouter())] as const
  for (const day of calendar()) {
    vi.setSystemTime(new Date(`${day}T09:00:00Z`))
    morning(day, accounts)
    await Promise.all(
      Array.from(accounts.keys(), async (key, index) => {
        for (const [service, method, path, pattern] of callsOf(index + 1, day)) {
          const { url } = services[service]
          const response = await fetch(url + path, { method, headers: { 'x-account': key } })
          await response.arrayBuffer()
          const { owner } = accounts.get(key)!
          answers.push({ day, key, owner, method, path: pattern, status: response.status })
        }
      }),
    )
    await Promise.all(services.map(({ analytics }) => analytics.flush()))
  }
  vi.setSystemTime(TODAY)
  return {
    accounts,
    answers,
    errors,
    async [Symbol.asyncDispose]() {
      for (const { close, analytics } of services) {
        await close()
        await analytics.close()
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function nameOf(number: number): string {
  return `key_${String(number).padStart(2, '0')}`
}

function calendar(): string[] {
  const whole = ['2026-09', '2026-10', '2026-11'].flatMap((month) => DAYS.map((day) => `${month}-${day}`))
  return [...whole.filter((day) => day < '2026-11-26'), '2026-11-26']
}

type Call = readonly [service: 0 | 1, method: string, path: string, pattern: string]

/** Some order a lot, some look only; in November three of four keys moved to v2, and Globex doubled its orders. */
function callsOf(number: number, day: string): Call[] {
  const isNovember = day >= '2026-11'
  const version = isNovember && number % 4 !== 0 ? 'v2' : 'v1'
  const isGlobex = number % CUSTOMERS.length === CUSTOMERS.indexOf('Globex')
  const reads = (number % 3) + 1
  const orders = isGlobex ? (isNovember ? 8 : 4) : number % 2
  const product = number % 5 === 0 ? '0' : '7'
  return [
    ...repeat<Call>(reads, [0, 'GET', `/${version}/orders`, `/${version}/orders`]),
    ...repeat<Call>(orders, [0, 'POST', `/${version}/orders`, `/${version}/orders`]),
    [1, 'GET', `/${version}/products/${product}`, `/${version}/products/:id`],
  ]
}

function repeat<T>(times: number, value: T): T[] {
  return Array.from({ length: times }, () => value)
}

function ordersRouter(): Router {
  const router = new Router()
  for (const version of ['v1', 'v2']) {
    router.get(`/${version}/orders`, (ctx) => {
      ctx.body = []
    })
    router.post(`/${version}/orders`, (ctx) => {
      ctx.status = 201
    })
  }
  return router
}

function catalogRouter(): Router {
  const router = new Router()
  for (const version of ['v1', 'v2']) {
    router.get(`/${version}/products/:id`, (ctx) => {
      if (ctx.params['id'] === '0') ctx.throw(404, 'no such product')
      ctx.body = { id: ctx.params['id'] }
    })
  }
  return router
}

async function startService(
  place: { database: string; dataDir: string },
  router: Router,
  accounts: ReadonlyMap<string, Account>,
  errors: AnalyticsError[],
): Promise<Service> {
  const analytics = startAnalytics(
    {
      ...place,
      flushIntervalMs: 3_600_000,
      identify: (ctx) => ({ id: ctx.get('x-account'), ...accounts.get(ctx.get('x-account')) }),
      onError: (error) => void errors.push(error),
    },
    () => Date.now(),
  )
  const app = new Koa()
  app.silent = true
  app.use(analytics).use(router.routes())
  return { ...(await listen(app.callback())), analytics }
}
