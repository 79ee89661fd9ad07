/**
 * What distribution costs and moves: a flush of 1000 rows on plain PostgreSQL against the same server with Citus in
 * turns, and how long filled tables take to be distributed. Needs TEST_CITUS_URL. `node test/bench/citus.ts [flushes]`
 */
import { randomUUID } from 'node:crypto'
import { migrate } from '../../src/store/database/migrate.ts'
import { openStore } from '../../src/store/open-store.ts'
import { administer } from '../support/databases/administer.ts'
import { createOnEveryNode, dropOnEveryNode, joinNodes } from '../support/databases/citus-nodes.ts'
import { makeBatch } from '../support/usage/make-batch.ts'
import { timeInTurn } from './time.ts'

const SERVER = process.env['TEST_CITUS_URL']
if (!SERVER) throw new Error('Set TEST_CITUS_URL to a coordinator with its workers.')
const FLUSHES = Number(process.argv[2] ?? 40)
/** 100 keys at 10 endpoints: the 1000 rows of one statement. */
const ROWS = Array.from({ length: 1000 }, (_, index) => ({
  key: `key ${index % 100}`,
  endpoint: `/${Math.floor(index / 100)}`,
}))

interface Subject {
  readonly flush: () => Promise<unknown>
  readonly remove: () => Promise<void>
}

async function makeSubject(withCitus: boolean): Promise<Subject> {
  const { database, url } = nameDatabase()
  await createOnEveryNode(SERVER!, database)
  if (withCitus) await joinNodes(SERVER!, database)
  await migrate(url)
  const store = openStore({ url, pepperCheck: '' })
  const instance = randomUUID()
  let sequence = 0
  return {
    flush: () => {
      const countedBefore = sequence * ROWS.length
      return store.recordBatch(makeBatch({ instance, sequence: ++sequence, countedBefore, rows: ROWS }))
    },
    remove: async () => {
      await store.close()
      await dropOnEveryNode(SERVER!, database)
    },
  }
}

function nameDatabase(): { database: string; url: string } {
  const database = `apikey_analytics_bench_${randomUUID().replaceAll('-', '')}`
  const url = new URL(SERVER!)
  url.pathname = `/${database}`
  return { database, url: url.href }
}

/** Rows that a first version wrote before there was Citus. */
async function measureDistribution(rows: number): Promise<number> {
  const { database, url } = nameDatabase()
  await createOnEveryNode(SERVER!, database)
  try {
    await migrate(url)
    await administer(
      url,
      `insert into api_key_analytics_keys
select md5(n::text)::uuid, 'key ' || n, null, null, '2026-11-01', '2026-11-01' from generate_series(1, 100) n`,
    )
    await administer(
      url,
      `insert into api_key_analytics (api_key_id, bucket, bucket_minutes, endpoint, method, status, request_count, duration_first_bin, duration_bins)
select md5((1 + n % 100)::text)::uuid, timestamptz '2026-11-01Z' + n / 1000 * interval '1 hour', 60, '/' || n / 100 % 10, 'GET', 200, 1, 0, '{1}'
from generate_series(0, ${rows - 1}) n`,
    )
    await joinNodes(SERVER!, database)
    const start = performance.now()
    await migrate(url)
    return performance.now() - start
  } finally {
    await dropOnEveryNode(SERVER!, database)
  }
}

const [plain, citus] = [await makeSubject(false), await makeSubject(true)]
// the first flush inserts all rows
await plain.flush()
await citus.flush()
const took = await timeInTurn(FLUSHES, { plain: plain.flush, citus: citus.flush })
await plain.remove()
await citus.remove()
process.stdout.write(`A flush of ${ROWS.length} rows, median of ${FLUSHES} in turns:
plain PostgreSQL ${took.plain.toFixed(1)} ms
Citus, 8 shards  ${took.citus.toFixed(1)} ms, ${(took.citus / took.plain).toFixed(1)} times as long\n`)
for (const rows of [10_000, 200_000]) {
  const ms = Math.round(await measureDistribution(rows))
  process.stdout.write(`${rows} rows are distributed in ${ms} ms\n`)
}
