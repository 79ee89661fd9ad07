/**
 * Times the first view of the dashboard on many rows, 30 days of 90: its API against the SQL that it needs, and the page
 * from the API's answer to the drawn chart: `npm run bench:dashboard -- [rows, default 10000000] [sqlite|postgresql]`.
 * Everything it makes is deleted at the end.
 */
import { answerApi } from '../../src/dashboard/api.ts'
import type { ApiRequest } from '../../src/dashboard/api.ts'
import { serveDashboard } from '../../src/dashboard/serve-dashboard.ts'
import { parsePeriod } from '../../src/time/period.ts'
import { previousPeriod } from '../../src/time/previous-period.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { openPage, startBrowser } from '../support/browser/browser.ts'
import { DATABASE_KINDS, makeDatabase } from '../support/databases/databases.ts'
import type { DatabaseKind } from '../support/databases/databases.ts'
import { startCluster } from '../support/databases/start-cluster.ts'
import unpackBrowser from '../support/browser/unpack-browser.ts'
import { fillReportRows } from './fill-report-rows.ts'
import { hoursAndStatuses, keysBetween, topCustomers, topEndpoints, topKeys } from './hand-written.ts'
import { timeInTurn } from './time.ts'

const FIRST_VIEW = [
  { name: 'activity', query: {} },
  { name: 'customers', query: { limit: '10', compare: 'previous' } },
  { name: 'report', query: { by: 'key', limit: '10' } },
  { name: 'report', query: { by: 'method,endpoint', limit: '10' } },
]
const LISTS_WITH_DURATIONS = [
  { name: 'report', query: { by: 'key', limit: '10', latency: '1' } },
  { name: 'report', query: { by: 'method,endpoint', limit: '10', latency: '1' } },
]
const ROUNDS = 3
const SINCE_ANSWER = `new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => {
  const [activity] = performance.getEntriesByType('resource').filter(({ name }) => name.includes('api/activity'))
  resolve(performance.now() - activity.responseEnd)
})))`

const removeBrowser = await unpackBrowser()
const [rowsText = '10000000', ...wanted] = process.argv.slice(2)
for (const kind of DATABASE_KINDS) {
  if (wanted.length === 0 || wanted.includes(kind)) await benchDatabase(kind, Number(rowsText))
}
await removeBrowser()

async function benchDatabase(kind: DatabaseKind, rows: number): Promise<void> {
  const cluster = kind === 'postgresql' ? await startCluster() : undefined
  const database = await makeDatabase(kind, cluster && { server: cluster.url })
  try {
    await fillReportRows(kind, database.url, rows)
    say(`\n${kind}, ${rows.toLocaleString('en-US')} rows`)
    await benchApi(kind, database.url)
    await benchPage(database.url)
  } finally {
    await database.remove()
    await cluster?.remove()
  }
}

async function answer(db: Database, request: ApiRequest): Promise<void> {
  const { status, body } = await answerApi(async () => db, request, '/nowhere')
  if (status !== 200) throw new Error(body)
}

/** Both send their statements at once, as the page does. */
async function benchApi(kind: DatabaseKind, url: string): Promise<void> {
  const db = await openDatabase(url)
  try {
    if (kind === 'postgresql') await db.query("set time zone 'UTC'")
    const ask = (requests: readonly ApiRequest[]) =>
      Promise.all(requests.map((request) => answer(db, request)))
    const { api, hand, timedApi, timedHand } = await timeInTurn(ROUNDS, {
      hand: () => runByHand(kind, db),
      api: () => ask(FIRST_VIEW),
      timedHand: () => runByHandWithDurations(kind, db),
      timedApi: () => ask(LISTS_WITH_DURATIONS),
    })
    judge('API of the first view against the SQL that it needs', api / hand, 'x', 1.5)
    say(`  ${api.toFixed(0)} ms against ${hand.toFixed(0)} ms`)
    judge('API of the lists with durations against their SQL', timedApi / timedHand, 'x', 1.5)
    say(`  ${timedApi.toFixed(0)} ms against ${timedHand.toFixed(0)} ms`)
  } finally {
    await db.close()
  }
}

function runByHand(kind: DatabaseKind, db: Database): Promise<unknown> {
  const period = parsePeriod({ since: '30d' })
  const [since, before, until] = [period.since!, previousPeriod(period)!.since, period.now].map((time) =>
    kind === 'sqlite' ? time.getTime() : time,
  )
  return Promise.all([
    db.query(hoursAndStatuses(kind), [since]),
    db.query(keysBetween(kind), [before, since]),
    db.query(topCustomers(kind), [since]),
    // their keys, and what they had in the period before
    db.query(keysBetween(kind), [since, until]),
    db.query(keysBetween(kind), [before, since]),
    db.query(topKeys(kind), [since]),
    db.query(topEndpoints(kind), [since]),
  ])
}

function runByHandWithDurations(kind: DatabaseKind, db: Database): Promise<unknown> {
  const since = parsePeriod({ since: '30d' }).since!
  const parameters = [kind === 'sqlite' ? since.getTime() : since]
  return Promise.all([
    db.query(topKeys(kind, true), parameters),
    db.query(topEndpoints(kind, true), parameters),
  ])
}

/** The median time from the last byte of `api/activity` until the chart is on the screen. */
async function benchPage(database: string): Promise<void> {
  const served = await serveDashboard({ port: 0, database, dataDir: '/nowhere' })
  const browser = await startBrowser()
  try {
    const { page } = await openPage(browser)
    await page.goto(served.url)
    await page.waitForURL((url) => url.search === '')
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await page.goto(new URL('/?live=off', served.url).href)
      await page.locator('.canvas svg').waitFor({ timeout: 120_000 })
      times.push(await page.evaluate<number>(SINCE_ANSWER))
    }
    judge(
      'chart drawn after the API has answered',
      times.toSorted((a, b) => a - b)[ROUNDS >> 1]!,
      ' ms',
      1000,
    )
  } finally {
    await browser.close()
    await served.close()
  }
}

function judge(what: string, found: number, unit: string, limit: number): void {
  const verdict = found <= limit ? 'ok' : 'TOO MUCH'
  say(`  ${what}: ${found.toFixed(2)}${unit} (at most ${limit}${unit}) ${verdict}`)
  if (found > limit) process.exitCode = 1
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
