import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { checkStored } from '../../src/billing/check/check-stored.ts'
import { closePeriod } from '../../src/billing/close/close-period.ts'
import { parseBillingPeriod } from '../../src/billing/billing-period.ts'
import { findStatements } from '../../src/billing/statement/read-statement.ts'
import type { AnalyticsError } from '../../src/model/errors.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { pruneUsage } from '../../src/store/remove/prune-usage.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { makeDatabase } from '../support/databases.ts'
import { forEachDatabase } from '../support/for-each-database.ts'
import { makeBatch } from '../support/make-batch.ts'
import { seededRandom } from '../support/random.ts'
import { startCli } from '../support/start-cli.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

/** How many closings: `CLOSES=200` for a longer campaign. */
const CLOSES = Number(process.env['CLOSES'] ?? 20)
const KILLS = Math.ceil(CLOSES / 4)
const FIRST = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const seed = Math.floor(Math.random() * 2 ** 32)

const dayOf = (number: number) => new Date(FIRST + number * DAY_MS).toISOString().slice(0, 10)

/** Four instances that flush all the time, into open days and into closed ones; `upTo` is the last day with usage. */
function startFlushing(url: string, random: () => number) {
  const state = { upTo: 0, delivered: 0, isOver: false }
  const flush = async () => {
    const store = openStore({ url, pepperCheck: '' })
    await store.connect()
    const instance = randomUUID()
    for (let [sequence, countedBefore] = [1, 0]; !state.isOver; sequence++) {
      const day = Math.floor(random() * (state.upTo + 1))
      const bucket = FIRST + day * DAY_MS + Math.floor(random() * 24) * 3_600_000
      const rows = [1, 2, 3].map((n) => ({ key: `key ${Math.floor(random() * 5)}${n}`, requestCount: n }))
      const batch = makeBatch({ instance, sequence, countedBefore, bucket, sealedAt: bucket, rows })
      await store.recordBatch(batch)
      countedBefore += batch.requestCount
      state.delivered += batch.requestCount
      await sleep(random() * 20)
    }
    await store.close()
  }
  const flushers = [flush(), flush(), flush(), flush()]
  return {
    state,
    async stop() {
      state.isOver = true
      await Promise.all(flushers)
    },
  }
}

/** Every period closed once, no half statement, and every count in exactly one place; one more closing bills the rest. */
async function requireExact(db: Database, closed: number, delivered: number): Promise<void> {
  const statements = await findStatements(db)
  expect(statements.map(({ statement }) => statement.period.label)).toEqual(
    Array.from({ length: closed }, (_, day) => dayOf(day)),
  )
  expect(await checkStored(db)).toMatchObject({ intact: true, findings: [] })
  await closePeriod(db, '/nowhere', { period: parseBillingPeriod({ day: dayOf(closed) }), billable: ['2xx'] })
  const { balanced, billing } = await verifyUsage(db)
  expect(balanced).toBe(true)
  const text = String(delivered)
  expect(billing!.units).toEqual([
    { unit: 'requests', delivered: text, billed: text, notBilledYet: '0', notBillable: '0', balanced: true },
  ])
}

test(
  `closes exactly while others flush, rows are pruned and the wires to PostgreSQL are cut (seed ${seed})`,
  async () => {
    const random = seededRandom(seed)
    const database = await makeDatabase('postgresql')
    const proxy = await startTcpProxy(database.url, seededRandom(seed + 1))
    const flushing = startFlushing(database.url, random)
    const [direct, wired] = [await openDatabase(database.url), await openDatabase(proxy.url)]
    for (let day = 0; day < CLOSES; day++) {
      flushing.state.upTo = day
      await sleep(30)
      const period = parseBillingPeriod({ day: dayOf(day) })
      for (;;) {
        proxy.weather = random() < 0.5 ? 'cut after commit' : 'stormy'
        const closing = closePeriod(wired, '/nowhere', { period, billable: ['2xx'] })
        const pruning =
          random() < 0.3 ? pruneUsage(direct, { before: new Date(FIRST + day * DAY_MS) }) : undefined
        const error = await closing.then(
          () => undefined,
          (reason: AnalyticsError) => reason,
        )
        proxy.weather = 'calm'
        await pruning
        if (!error || error.message.includes('closed already')) break
        expect(['DATABASE_UNREACHABLE', 'DATABASE_BUSY']).toContain(error.code)
      }
    }
    await flushing.stop()
    await requireExact(direct, CLOSES, flushing.state.delivered)
    expect(proxy.cuts.afterCommit + proxy.cuts.anywhere).toBeGreaterThan(CLOSES / 4)
    await Promise.all([direct.close(), wired.close()])
    await proxy.close()
    await database.remove()
  },
  CLOSES * 5000 + 60_000,
)

forEachDatabase('a closing that is killed', (_kind, makeUrl) => {
  test(
    `leaves a whole statement or none, at any moment (seed ${seed})`,
    async () => {
      const random = seededRandom(seed)
      const url = await makeUrl()
      const flushing = startFlushing(url, random)
      const db = await openDatabase(url)
      for (let day = 0; day < KILLS; day++) {
        flushing.state.upTo = day
        await sleep(30)
        const args = ['close', '--day', dayOf(day), '--billable', '2xx', '--database', url]
        // the first ones are killed sooner or later, the last one may finish
        for (const signal of ['SIGKILL', 'SIGINT', undefined] as const) {
          const child = startCli(args)
          const ended = once(child, 'close')
          if (signal) await sleep(600 + random() * 900)
          if (signal) child.kill(signal)
          await ended
        }
      }
      await flushing.stop()
      await requireExact(db, KILLS, flushing.state.delivered)
      await db.close()
    },
    KILLS * 30_000 + 60_000,
  )
})
