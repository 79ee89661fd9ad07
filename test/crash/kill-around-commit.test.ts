import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inspectDataDir } from '../../src/buffer/folder/inspect-data-dir.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { parseDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { countUntilDeath, endOf } from '../support/crash/counter-child.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { countWaiting, readAccounts, recover } from '../support/crash/recover.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { startProcess } from '../support/processes/run-process.ts'

const DEAD = { code: null, signal: 'SIGKILL' }

/** Makes flushes stop in the middle of their transaction. */
interface Obstacle {
  /** True while a transaction that has begun to write is held up. */
  holdsUp(): Promise<boolean>
  remove(): Promise<void>
}

describe.each([
  ['sqlite', obstructSqlite],
  ['postgresql', obstructPostgresql],
] as const)('a kill beside the COMMIT of a flush (%s)', (kind, obstruct) => {
  let database: TestDatabase
  let dataDir: string
  let acknowledged: string

  beforeEach(async () => {
    database = await makeDatabase(kind)
    dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-commit-'))
    acknowledged = join(dataDir, 'acknowledged')
    writeFileSync(acknowledged, '')
  })
  afterEach(async () => {
    await database.remove()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const options = () =>
    ({ database: database.url, dataDir, mode: 'mapped', acknowledged, cycles: 1 }) as const

  async function readStored(): Promise<{ stored: number; problems: string[] }> {
    const db = await openDatabase(database.url)
    try {
      return await readAccounts(db, dataDir)
    } finally {
      await db.close()
    }
  }

  test('before it leaves nothing in the database, and all arrives by recovery', async () => {
    const obstacle = await obstruct(database.url)
    const child = startProcess('count-and-die', JSON.stringify(options()))
    const end = endOf(child)
    const deadline = performance.now() + PATIENCE_MS
    // Stamped: connected, so that its next transaction is the one that records.
    const isCaught = async () => (await countStamped(dataDir)) > 0 && obstacle.holdsUp()
    while (!(await isCaught()) && performance.now() < deadline) await sleep(5)
    expect(await isCaught()).toBe(true)
    child.kill('SIGKILL')
    expect(await end).toEqual(DEAD)
    expect((await readStored()).stored).toBe(0)
    const counted = statSync(acknowledged).size
    expect(counted).toBe(15)
    expect(await countWaiting(dataDir)).toBe(counted)
    await obstacle.remove()
    expect(await recover(database.url, dataDir)).toBe(counted)
    expect(await readStored()).toEqual({ stored: counted, problems: [] })
  })

  test('after it leaves the batch in the database and in the file, and recovery does not add it again', async () => {
    const moment = { point: 'batch committed', occurrence: 1 } as const
    expect(await countUntilDeath({ ...options(), moment })).toEqual(DEAD)
    const counted = statSync(acknowledged).size
    const { stored } = await readStored()
    expect(stored).toBeGreaterThan(0)
    expect(await countWaiting(dataDir)).toBe(counted)
    await recover(database.url, dataDir)
    expect(await readStored()).toEqual({ stored: counted, problems: [] })
  })
})

async function countStamped(dataDir: string): Promise<number> {
  return (await inspectDataDir(dataDir)).waiting.filter(({ databaseId }) => databaseId).length
}

/** A trigger that keeps the first row waiting: the transaction has the write lock meanwhile. */
async function obstructSqlite(url: string): Promise<Obstacle> {
  const address = parseDatabaseUrl(url)
  const file = new Database('path' in address ? address.path : '', { timeout: 0 })
  file.exec(`
create view slow as with recursive n (i) as (select 1 union all select i + 1 from n where i < 1e9) select max(i) from n;
create trigger hold_up before insert on api_key_analytics begin select * from slow; end`)
  return {
    async holdsUp() {
      try {
        file.exec('begin immediate; rollback')
        return false
      } catch {
        return file.prepare('select 1 from api_key_analytics_ledger').all().length === 0
      }
    },
    async remove() {
      file.exec('drop trigger hold_up; drop view slow')
      file.close()
    },
  }
}

/** A lock on the table, under which the ledger can be written and the rows cannot. */
async function obstructPostgresql(url: string): Promise<Obstacle> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin')
  await client.query('lock table api_key_analytics in share mode')
  return {
    async holdsUp() {
      const waiting = `select from pg_locks where not granted and relation = 'api_key_analytics'::regclass`
      return (await client.query(waiting)).rowCount === 1
    },
    async remove() {
      await client.query('rollback')
      await client.end()
    },
  }
}
