/**
 * Times `close`, a second close with a correction, `statements check` and `verify` for 10 000 keys x 200 endpoints:
 * `npm run bench:close -- [keys, default 10000] [sqlite|postgresql]`. Everything it makes is deleted at the end.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { DATABASE_KINDS, makeDatabase } from '../support/databases/databases.ts'
import type { DatabaseKind } from '../support/databases/databases.ts'
import { startCluster } from '../support/databases/start-cluster.ts'

const BIN = new URL('../../bin/run.js', import.meta.url).pathname
const ENDPOINTS = 200
const OCTOBER = Date.UTC(2026, 9, 5)

const [keysText = '10000', ...wanted] = process.argv.slice(2)
const keys = Number(keysText)

for (const kind of DATABASE_KINDS) {
  if (wanted.length === 0 || wanted.includes(kind)) await benchDatabase(kind)
}

async function benchDatabase(kind: DatabaseKind): Promise<void> {
  const cluster = kind === 'postgresql' ? await startCluster() : undefined
  const database = await makeDatabase(kind, cluster && { server: cluster.url })
  try {
    await fill(kind, database.url)
    process.stdout.write(`${kind}: ${keys} keys x ${ENDPOINTS} endpoints\n`)
    for (const args of [
      ['close', '--month', '2026-10', '--billable', '2xx'],
      ['close', '--day', '2026-11-01', '--billable', '2xx'],
      ['statements', 'check'],
      ['statements', 'show', '1', '--owner', 'owner-7', '--format', 'json'],
      ['verify'],
    ]) {
      await time(database.url, args)
    }
  } finally {
    await database.remove()
    await cluster?.remove()
  }
}

async function fill(kind: DatabaseKind, url: string): Promise<void> {
  const isSqlite = kind === 'sqlite'
  const series = (name: string, count: number) =>
    isSqlite
      ? `(with recursive s (${name}) as (select 0 union all select ${name} + 1 from s where ${name} + 1 < ${count}) select ${name} from s)`
      : `generate_series(0, ${count} - 1) ${name}`
  const id = isSqlite
    ? "printf('%08d-0000-4000-8000-000000000000', k)"
    : "(lpad(k::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid"
  const at = (milliseconds: number) => (isSqlite ? milliseconds : `to_timestamp(${milliseconds / 1000})`)
  const bins = isSqlite ? "'[3]'" : "'{3}'"
  const db = await openDatabase(url)
  await db.query(`insert into api_key_analytics_keys (id, label, name, owner, first_seen_at, last_used_at)
select ${id}, 'key ' || k, 'Key ' || k, 'owner-' || (k % 100), ${at(OCTOBER)}, ${at(OCTOBER)} from ${series('k', keys)}`)
  await db.query(`insert into api_key_analytics
  (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_us, duration_first_bin, duration_bins)
select ${id}, ${at(OCTOBER)}, 60, '/v1/resource-' || e || '/items/:id', 'GET', 200, 3, 3000, 1, ${bins}
from ${series('k', keys)} cross join ${series('e', ENDPOINTS)}`)
  await db.query(`insert into api_key_analytics_ledger (instance, sequence, request_count, missing, updated_at)
values ('00000000-0000-4000-8000-000000000009', 1, ${keys * ENDPOINTS * 3}, 0, ${at(Date.UTC(2026, 10, 10))})`)
  if (!isSqlite) await db.query('vacuum analyze')
  await db.close()
}

async function time(url: string, args: readonly string[]): Promise<void> {
  const start = performance.now()
  const child = spawn('/usr/bin/time', ['-f', '%M %U %S', process.execPath, BIN, ...args], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (text) => (errors += String(text)))
  const [code] = await once(child, 'close')
  const [kilobytes = 0, user = 0, system = 0] = errors.trim().split('\n').at(-1)!.split(' ').map(Number)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  process.stdout.write(
    `  ${args.join(' ')}: ${seconds} s (${(user + system).toFixed(1)} s of CPU), ${Math.round(kilobytes / 1024)} MB, exit code ${code}\n`,
  )
  if (code !== 0) process.stdout.write(errors)
}
