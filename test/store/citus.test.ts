import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import {
  findPendingWork,
  migrate,
  printMigrations,
  revertMigration,
} from '../../src/store/database/migrate.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import type { UsageStore } from '../../src/store/usage-store.ts'
import { administer } from '../support/databases/administer.ts'
import { createOnEveryNode, dropOnEveryNode, joinNodes } from '../support/databases/citus-nodes.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { makeBatch } from '../support/usage/make-batch.ts'
import { runProcess } from '../support/processes/run-process.ts'

const SERVER = process.env['TEST_CITUS_URL']

const TABLES = [
  'api_key_analytics_keys',
  'api_key_analytics_owners',
  'api_key_analytics',
  'api_key_analytics_ledger',
  'api_key_analytics_prunes',
]

test('without Citus nothing is to be distributed', async () => {
  const database = await makeDatabase('postgresql', { migrated: false })
  expect(await printMigrations(database.url)).not.toContain('create_distributed_table')
  expect((await migrate(database.url)).distributed).toEqual([])
  expect((await findPendingWork(database.url)).undistributed).toEqual([])
  await database.remove()
})

describe.runIf(SERVER)('Citus (run when TEST_CITUS_URL names a coordinator with two workers)', () => {
  const ends: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end()
  })

  /** A database on all servers, which do not know of each other before `join`. */
  async function makeUnjoined(): Promise<{ url: string; join: () => Promise<void> }> {
    const name = `apikey_analytics_test_${randomBytes(8).toString('hex')}`
    await createOnEveryNode(SERVER!, name)
    ends.push(() => dropOnEveryNode(SERVER!, name))
    const url = new URL(SERVER!)
    url.pathname = `/${name}`
    return { url: url.href, join: () => joinNodes(SERVER!, name) }
  }

  async function makeJoined(): Promise<string> {
    const database = await makeDatabase('citus')
    ends.push(() => database.remove())
    return database.url
  }

  async function verify(url: string) {
    const db = await openDatabase(url)
    try {
      return await verifyUsage(db)
    } finally {
      await db.close()
    }
  }

  /** Delivers batches of 60 keys until told to stop, each tried again until it is in, as the flusher does. */
  function startFlushing(url: string): () => Promise<{ requests: number; failures: string[] }> {
    const store = openStore({ url, pepperCheck: '' })
    ends.push(() => store.close())
    const failures: string[] = []
    const end = new AbortController()
    let requests = 0
    const flushing = (async () => {
      const instance = randomUUID()
      for (let sequence = 1; !end.signal.aborted; sequence++) {
        const rows = Array.from({ length: 60 }, (_, index) => ({
          key: `k${index}`,
          endpoint: `/${index % 7}`,
        }))
        const batch = makeBatch({ instance, sequence, countedBefore: requests, rows })
        await deliver(store, batch, failures)
        requests += batch.requestCount
      }
    })()
    return async () => {
      end.abort()
      await flushing
      return { requests, failures }
    }
  }

  async function deliver(
    store: UsageStore,
    batch: Parameters<UsageStore['recordBatch']>[0],
    failures: string[],
  ) {
    while (
      !(await store.recordBatch(batch).catch((error: Error & { code: string }) => {
        if (error.code === 'BATCH_REFUSED') throw error
        failures.push(error.message)
      }))
    );
  }

  test('spreads filled tables when Citus comes after the first migrate, while flushes go on', async () => {
    const { url, join } = await makeUnjoined()
    expect((await migrate(url)).distributed).toEqual([])
    const stop = startFlushing(url)
    await expect.poll(async () => (await verify(url)).storedRequests).toBeGreaterThan(0)
    await join()
    expect(await findPendingWork(url)).toEqual({ pending: [], undistributed: TABLES })
    expect(await printMigrations(url)).toContain("create_distributed_table('api_key_analytics_keys', 'id'")
    const runs = await Promise.all([1, 2, 3].map(() => runProcess('migrate', url)))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(runs.flatMap(({ output }) => JSON.parse(output).distributed)).toEqual(TABLES)
    const { requests } = await stop()
    expect(await verify(url)).toMatchObject({ storedRequests: requests, missingRequests: 0, balanced: true })
    expect(await migrate(url)).toEqual({ applied: [], distributed: [] })
    expect(await printMigrations(url)).toBe('')

    const shards = await administer<{ name: string; shards: string; local: string }>(
      url,
      `select logicalrelid::text as name, count(*) as shards, pg_relation_size(logicalrelid) as local
from pg_dist_shard group by logicalrelid order by logicalrelid`,
    )
    // nothing of the copied rows is left on the coordinator
    expect(shards.toSorted((a, b) => TABLES.indexOf(a.name) - TABLES.indexOf(b.name))).toEqual(
      TABLES.map((name) => ({ name, shards: '8', local: '0' })),
    )
  })

  test('a migration goes back and forth on tables that are distributed and filled', async () => {
    const url = await makeJoined()
    const store = openStore({ url, pepperCheck: '' })
    await store.recordBatch(makeBatch({ rows: [{ key: 'a' }, { key: 'b' }] }))
    await store.close()
    const reverted = await revertMigration(url)
    const again = await migrate(url)
    expect(again.applied).toEqual([reverted])
    // the first migration takes its tables along
    expect([[], TABLES]).toContainEqual(again.distributed)
    expect((await findPendingWork(url)).undistributed).toEqual([])
    expect((await verify(url)).balanced).toBe(true)
  })

  test('a key that somebody deletes takes its rows along, on whichever worker they are', async () => {
    const url = await makeJoined()
    const store = openStore({ url, pepperCheck: '' })
    await store.recordBatch(makeBatch({ rows: [{ key: 'a' }, { key: 'b' }, { key: 'c' }] }))
    await store.close()
    await administer(url, "delete from api_key_analytics_keys where label = 'b'")
    expect((await verify(url)).storedRequests).toBe(2)
  })

  test('counts every batch once although connections to and between the servers are cut all the time', async () => {
    const url = await makeJoined()
    const stop = startFlushing(url)
    const [, pathname] = new URL(url).pathname.split('/')
    const cut = `select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = '${pathname}' and (application_name like 'citus_internal%' or application_name = 'apikey-analytics')`
    for (let round = 0; round < 30; round++) {
      await administer(url, round % 2 ? cut : `select run_command_on_workers($cut$${cut}$cut$)`)
    }
    const { requests, failures } = await stop()
    expect(failures.length).toBeGreaterThan(0)
    await administer(url, 'select recover_prepared_transactions()')
    expect(await verify(url)).toMatchObject({ storedRequests: requests, missingRequests: 0, balanced: true })
  })

  test('shards may move to another worker while flushes go on', async () => {
    const url = await makeJoined()
    const stop = startFlushing(url)
    const moved = await administer(
      url,
      `select citus_move_shard_placement(s.shardid, s.nodename, s.nodeport, n.nodename, n.nodeport, 'block_writes')
from citus_shards s join pg_dist_node n on n.shouldhaveshards and (n.nodename, n.nodeport) <> (s.nodename, s.nodeport)
where s.table_name = 'api_key_analytics'::regclass
order by s.shardid limit 2`,
    )
    expect(moved).toHaveLength(2)
    const { requests } = await stop()
    expect(await verify(url)).toMatchObject({ storedRequests: requests, missingRequests: 0, balanced: true })
  })
})
