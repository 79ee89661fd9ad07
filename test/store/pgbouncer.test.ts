import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { openStore } from '../../src/store/open-store.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { PGBOUNCER } from '../support/find-installed.ts'
import { makeBatch } from '../support/usage/make-batch.ts'
import { readReadmeBlocks } from '../support/read-readme.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { startPgBouncer } from '../support/databases/start-pgbouncer.ts'
import type { PgBouncer } from '../support/databases/start-pgbouncer.ts'

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).toReversed()) await one()
})

/** A new database, and PgBouncer in front of it under another name than the database has. */
async function pool(...settings: string[]): Promise<{ database: TestDatabase; pooler: PgBouncer }> {
  const database = await makeDatabase('postgresql', { migrated: false })
  undo.push(() => database.remove())
  const pooler = await startPgBouncer(database.url, settings)
  undo.push(() => pooler.stop())
  return { database, pooler }
}

/** Keeps the pooler's one connection. */
async function hold(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('select 1')
  undo.push(() => client.end())
}

const MODES = ['transaction', 'session']

describe.skipIf(!PGBOUNCER).each(MODES)('through PgBouncer with one connection per %s', (mode) => {
  const one = [`pool_mode = ${mode}`, 'default_pool_size = 1', 'query_wait_timeout = 20']

  test('every step of migrate works, whatever the pooler calls the database', async () => {
    const { pooler } = await pool(...one)
    const env = { DATABASE_URL: pooler.url }
    const run = (...args: string[]) => runCli(['migrate', ...args], { env })
    expect(await run('--check')).toMatchObject({ code: 1, stdout: expect.stringContaining('Pending in') })
    expect(await run('--dry-run')).toMatchObject({ code: 0, stdout: expect.stringContaining('create table') })
    expect(await run()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Applied .*PostgreSQL usage at/),
    })
    expect(await run('--check')).toMatchObject({ code: 0, stdout: expect.stringContaining('is up to date') })
    expect(await run('--down', '--yes')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Took /) })
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Applied /) })
  })

  test('many may migrate at once: one does it, none fails', async () => {
    const { pooler, database } = await pool(...one)
    const env = { DATABASE_URL: pooler.url }
    const runs = await Promise.all(Array.from({ length: 6 }, () => runCli(['migrate', '--json'], { env })))
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      runs.map(() => ({ code: 0, stderr: '' })),
    )
    expect(runs.map(({ stdout }) => JSON.parse(stdout).applied.length).filter(Boolean)).toHaveLength(1)
    expect(await runCli(['migrate', '--check', '--database', database.url])).toMatchObject({ code: 0 })
  })

  test('the configuration of docs/postgresql.md works', async () => {
    const { text } = readReadmeBlocks('docs/postgresql.md').find(({ name }) => name === 'pgbouncer')!
    const { pooler } = await pool(...text.trim().split('\n'))
    const env = { DATABASE_URL: pooler.url }
    for (const args of [['migrate'], ['report'], ['verify'], ['export']]) {
      expect({ args, ...(await runCli(args, { env })) }).toMatchObject({ args, code: 0 })
    }
  })

  test('an app delivers, and the commands answer', async () => {
    const { pooler } = await pool(...one)
    const env = { DATABASE_URL: pooler.url }
    await runCli(['migrate'], { env })
    const store = openStore({ url: pooler.url, pepperCheck: '' })
    expect(await store.recordBatch(makeBatch({ rows: [{ key: 'a' }, { key: 'b' }] }))).toBe('applied')
    // in session mode it keeps the one connection until it is closed
    await store.close()
    expect(await runCli(['verify'], { env })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('OK:'),
    })
    expect(await runCli(['report', '--since', '2026-11-01'], { env })).toMatchObject({ code: 0 })
    const prune = ['prune', '--before', '2026-12-01', '--roll-up', 'day', '--yes']
    expect(await runCli(prune, { env })).toMatchObject({ code: 0 })
  })
})

describe.skipIf(!PGBOUNCER)('where PgBouncer has no free connection', () => {
  test('nobody waits for one as long as the pooler does, and nothing is held', async () => {
    const { pooler, database } = await pool(
      'pool_mode = session',
      'default_pool_size = 1',
      'query_wait_timeout = 120',
    )
    await hold(pooler.url)
    await expect(openDatabase(pooler.url, { answerTimeoutMs: 300 })).rejects.toThrow(
      /^A connection is open, but no answer came in time from PostgreSQL usage at .*pooler.*pool size.*$/,
    )
    const direct = await runCli(['migrate', '--database', database.url])
    expect(direct).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Applied /) })
  })

  test.each([
    ['query_wait_timeout = 0.1', 'A connection is open, but no answer came in time from'],
    ['max_client_conn = 1', 'No connection is free at'],
  ])('%s is said in our words', async (setting, finding) => {
    const { pooler } = await pool('pool_mode = session', 'default_pool_size = 1', setting)
    await hold(pooler.url)
    const { code, stderr } = await runCli(['migrate', '--check'], { env: { DATABASE_URL: pooler.url } })
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(`Error: ${finding} PostgreSQL usage at`),
    })
  })

  test('a database that it does not know, and a parameter that it refuses, are named', async () => {
    const { pooler } = await pool()
    const unknown = new URL(pooler.url)
    unknown.pathname = '/nonsense'
    const missing = await runCli(['migrate'], { env: { DATABASE_URL: unknown.href } })
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Error: There is no such database: PostgreSQL nonsense at/),
    })
    const options = `${pooler.url}?options=${encodeURIComponent('-c search_path=metering')}`
    const refused = await runCli(['migrate'], { env: { DATABASE_URL: options } })
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('ignore_startup_parameters') })
  })
})
