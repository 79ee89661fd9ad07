import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { Statements } from '../../src/store/database/dialect.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { runBoundedWrite } from '../../src/store/database/run-bounded-write.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import { keyIdOf, makeBatch } from '../support/usage/make-batch.ts'
import { findProgram } from '../support/processes/find-program.ts'
import { startProcess } from '../support/processes/run-process.ts'
import { startSlowNetwork } from '../support/databases/slow-network.ts'
import { stopProcess } from '../support/processes/stop-process.ts'

const HOLD = 'select from api_key_analytics_keys where id = $1 for update'
const WAITING =
  "select pid from pg_stat_activity where datname = current_database() and application_name = 'apikey-analytics' and wait_event_type = 'Lock'"

test('a process that is stopped inside a flush to PostgreSQL lets others flush, and is counted once itself', async () => {
  const database = await makeDatabase('postgresql')
  const store = openStore({ url: database.url, pepperCheck: '' })
  await store.recordBatch(makeBatch({ rows: [{ key: 'shared' }] }))
  // holds the row of the key, so that the flush of the other process waits in the middle
  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  await holder.query('begin')
  await holder.query(HOLD, [keyIdOf('shared')])
  const child = startProcess('flush-once', database.url, randomUUID(), '500')
  const said = text(child.stdout!)
  const db = await openDatabase(database.url)
  await expect.poll(() => db.query(WAITING)).toHaveLength(1)
  await stopProcess(child)
  await holder.query('commit')
  await holder.end()

  // only when the server has cut off the stopped one
  expect(await store.recordBatch(makeBatch({ rows: [{ key: 'shared' }] }))).toBe('applied')
  expect(child.exitCode).toBe(null)

  const exited = once(child, 'exit')
  child.kill('SIGCONT')
  expect(await exited).toEqual([0, null])
  const { result, errors } = JSON.parse(await said) as { result: string; errors: string[] }
  expect(result).toBe('applied')
  expect(errors).toEqual([
    expect.stringMatching(/^DATABASE_BUSY: This process was paused inside a transaction/),
  ])
  expect(await verifyUsage(db)).toMatchObject({ storedRequests: 3, missingRequests: 0, balanced: true })
  await db.close()
  await store.close()
  await database.remove()
})

test('a slow network is not taken for a process that is stopped', async () => {
  const database = await makeDatabase('postgresql')
  const network = await startSlowNetwork(database.url, 150)
  const longestSilenceMs = 1000
  const store = openStore({ url: network.url, pepperCheck: '', limits: { longestSilenceMs } })
  const rows = Array.from({ length: 300 }, (_, index) => ({
    key: 'a',
    endpoint: `/${'long'.repeat(20)}/${index}`,
  }))
  const startedAt = performance.now()
  expect(await store.recordBatch(makeBatch({ rows }))).toBe('applied')
  // its one statement was on the way for longer than a process may keep silent
  expect(performance.now() - startedAt).toBeGreaterThan(1.5 * longestSilenceMs)
  await store.close()
  await network.close()
  await database.remove()
})

/** Waits until the server has ended a connection, and its end has arrived here. */
async function untilEnded(other: Database, pid: number): Promise<void> {
  const find = () => other.query('select from pg_stat_activity where pid = $1', [pid])
  await expect.poll(find).toEqual([])
  await nextTurn()
}

const ownPid = async (tx: Statements) =>
  (await tx.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]!.pid

/** The same while this process stands still: its event loop reads nothing until the connection has ended. */
async function standStillUntilEnded(url: string, pid: number): Promise<void> {
  execFileSync(process.execPath, [findProgram('wait-for-end'), url, `${pid}`])
}

test.each(['is idle', 'stands still'] as const)(
  'a turn of prune or roll-up whose process %s is rolled back, so that flushes go on, and is taken again',
  async (how) => {
    const database = await makeDatabase('postgresql')
    const [db, other] = [
      await openDatabase(database.url, { longestSilenceMs: 200 }),
      await openDatabase(database.url),
    ]
    let tries = 0
    const result = await runBoundedWrite(db, async (tx) => {
      tries += 1
      await tx.query('update api_key_analytics_meta set pepper_check = $1', [`try ${tries}`])
      if (tries === 1) {
        const pid = await ownPid(tx)
        await (how === 'is idle' ? untilEnded(other, pid) : standStillUntilEnded(database.url, pid))
      }
      return tx.query('select pepper_check from api_key_analytics_meta')
    })
    expect({ tries, result }).toEqual({ tries: 2, result: [{ pepper_check: 'try 2' }] })
    await db.close()
    await other.close()
    await database.remove()
  },
)

test.each(['turn', 'flush'] as const)(
  'a connection that the server ends between two statements of a %s fails it, and not the process',
  async (mode) => {
    const database = await makeDatabase('postgresql')
    const [db, other] = [await openDatabase(database.url), await openDatabase(database.url)]
    const end = db.transaction(async (tx) => {
      const pid = await ownPid(tx)
      await other.query('select pg_terminate_backend($1)', [pid])
      await untilEnded(other, pid)
      await tx.query('select 1')
    }, mode)
    await expect(end).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
    expect(await runBoundedWrite(db, (tx) => tx.query('select 1 as one'))).toEqual([{ one: 1 }])
    await db.close()
    await other.close()
    await database.remove()
  },
)
