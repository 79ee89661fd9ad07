/**
 * Asks for the usage of an owner with 10 000 keys, never twice the same, and measures what customers cost the host:
 * `npm run bench:self-service -- [rows, default 10000000] [sqlite|postgresql]`. Everything it makes is deleted at the end.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { changeSums } from '../../src/store/write/owner-sums.ts'
import { DATABASE_KINDS, makeDatabase } from '../support/databases/databases.ts'
import type { DatabaseKind } from '../support/databases/databases.ts'
import { startCluster } from '../support/databases/start-cluster.ts'

const KEYS = 20_000
/** The first half of the keys is that of one owner, the others are those of this many. */
const OTHERS = 100
const BIG = 'Big'
const ENDPOINTS = 40
const HOURS = 90 * 24
/** The three months to 1 November. */
const START = Date.UTC(2026, 10, 1) - HOURS * 3_600_000
const MONTHS = ['2026-08', '2026-09', '2026-10']
const QUESTIONS = 300
const CUSTOMERS = 50
const SECONDS = 20
const ROUNDS = 3

const [rowsText = '10000000', ...wanted] = process.argv.slice(2)
const rowsPerKey = Math.ceil(Number(rowsText) / KEYS)

for (const kind of DATABASE_KINDS) {
  if (wanted.length === 0 || wanted.includes(kind)) await benchDatabase(kind)
}

async function benchDatabase(kind: DatabaseKind): Promise<void> {
  const cluster = kind === 'postgresql' ? await startCluster() : undefined
  const database = await makeDatabase(kind, cluster && { server: cluster.url })
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-bench-'))
  let app: ChildProcess | undefined
  try {
    const begun = performance.now()
    const sums = await fill(kind, database.url)
    print(`${kind}: ${KEYS * rowsPerKey} rows, ${sums} sums, filled in ${seconds(begun)} s`)
    app = fork(new URL('self-service-app.ts', import.meta.url), [database.url, dataDir])
    const [port] = (await once(app, 'message')) as [number]
    await measureQuestions(port)
    await measureHost(port)
  } finally {
    app?.kill()
    if (app && app.exitCode === null) await once(app, 'exit')
    rmSync(dataDir, { recursive: true, force: true })
    await database.remove()
    await cluster?.remove()
  }
}

/** @returns the number of sums */
async function fill(kind: DatabaseKind, url: string): Promise<number> {
  const isSqlite = kind === 'sqlite'
  const series = (name: string, count: number) =>
    isSqlite
      ? `(with recursive s (${name}) as (select 0 union all select ${name} + 1 from s where ${name} + 1 < ${count}) select ${name} from s)`
      : `generate_series(0, ${count} - 1) ${name}`
  const id = isSqlite
    ? "printf('%08d-0000-4000-8000-000000000000', k)"
    : "(lpad(k::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid"
  const bucket = `${START} + (r * ${HOURS} / ${rowsPerKey}) * 3600000.0`
  const time = (sql: string) => (isSqlite ? `cast(${sql} as integer)` : `to_timestamp((${sql}) / 1000.0)`)
  const bins = isSqlite ? "'[3]'" : "'{3}'"
  const db = await openDatabase(url)
  try {
    await db.query('drop index api_key_analytics_bucket_index')
    await db.query(`insert into api_key_analytics_keys (id, label, name, owner, first_seen_at, last_used_at)
select ${id}, 'key ' || k, 'Key ' || k, case when k < ${KEYS / 2} then '${BIG}' else 'Customer ' || (k % ${OTHERS}) end,
  ${time(String(START))}, ${time(String(START))} from ${series('k', KEYS)}`)
    // most requests are of few endpoints and succeed
    await db.query(`insert into api_key_analytics
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_us, duration_first_bin, duration_bins)
select ${id}, ${time(bucket)}, 60, '/v1/resource-' || (((k * 7 + r * 31) % ${ENDPOINTS}) * ((k + r) % ${ENDPOINTS}) / ${ENDPOINTS}) || '/items/:id',
  case when (k * 7 + r * 31) % 5 = 0 then 'POST' else 'GET' end,
  case when r % 20 = 0 then 404 when r % 50 = 1 then 500 when r % 50 = 2 then 401 else 200 end, 3, 3000, 1, ${bins}
from ${series('k', KEYS)} cross join ${series('r', rowsPerKey)}`)
    await db.query('create index api_key_analytics_bucket_index on api_key_analytics (bucket)')
    if (!isSqlite) await db.query('vacuum analyze')
    for (const owner of [BIG, ...Array.from({ length: OTHERS }, (_, index) => `Customer ${index}`)]) {
      const ofOwner = `t.api_key_id in (select id from api_key_analytics_keys where owner = '${owner}')`
      await db.transaction((tx) => changeSums(tx, db.dialect, 1, { condition: ofOwner, params: [] }))
    }
    await db.query(isSqlite ? 'analyze' : 'vacuum analyze')
    const [sums] = await db.query<{ count: string }>(
      'select count(*) as count from api_key_analytics_owner_usage',
    )
    return Number(sums!.count)
  } finally {
    await db.close()
  }
}

/** Asks one question after the other, each of another month or time zone: none is answered from the cache. */
async function measureQuestions(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const zones = Intl.supportedValuesOf('timeZone')
  const ask = (index: number) =>
    get(agent, port, `/v1/usage?month=${MONTHS[index % 3]}&tz=${zones[Math.floor(index / 3)]}`, BIG)
  // starts the thread
  await get(agent, port, '/v1/usage?month=2026-07', BIG)
  const times: number[] = []
  for (let index = 0; index < QUESTIONS; index++) times.push(await ask(index))
  print(`  an owner with ${KEYS / 2} keys: ${quantiles(times)}`)
  agent.destroy()
}

/** The host's other requests, in turns without and with customers who ask twice a second. */
async function measureHost(port: number): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const customers of [0, CUSTOMERS]) {
      const agent = new Agent({ keepAlive: true })
      const end = performance.now() + SECONDS * 1000
      const asked: number[] = []
      const asking = Array.from({ length: customers }, async (_, index) => {
        await sleep(index * 10)
        while (performance.now() < end) {
          asked.push(await get(agent, port, '/v1/usage?month=2026-10', `Customer ${index}`))
          await sleep(500)
        }
      })
      const times: number[] = []
      while (performance.now() < end) {
        times.push(await get(agent, port, '/ping', ''))
        await sleep(4)
      }
      await Promise.all(asking)
      print(
        `  host with ${customers} customers: ${quantiles(times)}${asked.length > 0 ? `; their answers: ${quantiles(asked)}` : ''}`,
      )
      agent.destroy()
    }
  }
}

/** @returns the milliseconds until the whole answer was there */
async function get(agent: Agent, port: number, path: string, owner: string): Promise<number> {
  const begun = performance.now()
  const asking = request({ agent, port, host: '127.0.0.1', path, headers: owner ? { 'x-owner': owner } : {} })
  asking.end()
  const [answer] = await once(asking, 'response')
  answer.resume()
  await once(answer, 'end')
  if (answer.statusCode !== 200) throw new Error(`${path} was answered with ${answer.statusCode}.`)
  return performance.now() - begun
}

function quantiles(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1)
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms (${sorted.length})`
}

function seconds(begun: number): string {
  return ((performance.now() - begun) / 1000).toFixed(0)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
