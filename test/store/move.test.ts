import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkStored } from '../../src/billing/check/check-stored.ts'
import { cancelMove } from '../../src/move/cancel-move.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { readMeta } from '../../src/store/database/read-meta.ts'
import { removeQuota } from '../../src/store/quotas/remove-quota.ts'
import { setQuota } from '../../src/store/quotas/set-quota.ts'
import { verifyUsage } from '../../src/store/verify/verify-usage.ts'
import { dumpTables } from '../support/databases/copy-tables.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { forEachMove } from '../support/databases/for-each-move.ts'
import {
  ACME,
  BETA,
  closeMonth,
  fillDatabase,
  move,
  publicKey,
  REQUESTS,
} from '../support/worlds/move-world.ts'
import { printStatement } from '../support/usage/print-statement.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { runProcess } from '../support/processes/run-process.ts'
import { storeUsage } from '../support/usage/store-usage.ts'

const MOVED = { code: 'DATABASE_MOVED' }
const WAIT = { timeout: PATIENCE_MS }
const REFUSED = { code: 'DATABASE_REFUSED' }

/** Runs on an open database and closes it. */
async function withOpen<T>(url: string, run: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(url)
  try {
    return await run(db)
  } finally {
    await db.close()
  }
}

const metaOf = (url: string) => withOpen(url, readMeta)
const stateOf = async (url: string) => (await metaOf(url)).state
const printAll = (url: string) =>
  withOpen(url, async (db) => ({
    first: await printStatement(db, 1),
    second: await printStatement(db, 2),
    part: await printStatement(db, 1, { owner: 'Acme' }),
  }))
const store = (url: string, requests: number) =>
  storeUsage(url, [{ key: ACME, bucket: '2026-12-02T00:00Z', requests }])
const cancel = (url: string, to: string | undefined, force = false) =>
  withOpen(url, (db) => cancelMove(db, to, { force }))

/** Stops a move before a step, as a kill would; `onStep` is called right before the freeze, and before the copy. */
async function stopMove(from: string, to: string, before: 'freeze' | 'copy' | 'end'): Promise<void> {
  let steps = 0
  const stopped = { freeze: 1, copy: 2, end: 3 }[before]
  const stop = async () => {
    if (++steps === stopped) throw new Error('stopped')
  }
  await expect(move(from, to, { onStep: stop })).rejects.toThrow('stopped')
}

forEachMove('move', ({ makeSource, makeTarget }) => {
  let source: string
  let target: string
  beforeEach(async () => {
    source = await makeSource()
    target = await makeTarget({ migrated: false })
    await fillDatabase(source)
  })

  test('takes every row along, and the new home is the same database', async () => {
    const printed = await printAll(source)
    const before = await withOpen(source, verifyUsage)
    const { database_id: id } = await metaOf(source)
    const { tables, ...moved } = await move(source, target)
    const [here, there] = [describeDatabaseUrl(source), describeDatabaseUrl(target)]
    expect(moved).toEqual({ from: here, to: there, done: 'copy' })
    // what the other tables have is copied in copy-rows.test.ts
    expect(Object.values(tables).filter((rows) => rows > 0).length).toBeGreaterThan(18)
    expect(before).toMatchObject({ storedRequests: REQUESTS, missingRequests: 10, balanced: true })
    for (const url of [source, target]) expect(await withOpen(url, verifyUsage)).toEqual(before)
    expect(await metaOf(source)).toMatchObject({ database_id: id, state: 'moved', other_database: there })
    expect(await metaOf(target)).toMatchObject({ database_id: id, state: 'active', other_database: here })
    expect(await printAll(target)).toEqual(printed)
    await withOpen(target, async (db) => {
      expect(await checkStored(db, { publicKey })).toMatchObject({ intact: true, statements: 2 })
      expect(await closeMonth(db, '2026-12', 10n)).toMatchObject({ statement: { number: 3, corrects: [] } })
    })
    const { api_key_analytics_meta: _, ...copied } = await withOpen(source, dumpTables)
    for (const [table, rows] of Object.entries(copied))
      expect({ table, rows: rows.length }).toEqual({ table, rows: tables[table] })
  })

  test('leaves a source that accepts nothing, and says where it went', async () => {
    await move(source, target)
    const message = `moved to ${describeDatabaseUrl(target)} on `
    const made = await withOpen(source, dumpTables)
    const writes: ((db: Database) => Promise<unknown>)[] = [
      () => store(source, 1),
      () => new DatabaseStore({ url: source, pepperCheck: 'another' }).connect(),
      (db) => setQuota(db, { owner: 'Acme', unit: 'rows', per: 'day', limit: 1 }),
      (db) => removeQuota(db, { owner: 'Acme', unit: 'tokens', per: 'month' }),
      (db) => closeMonth(db, '2026-12'),
    ]
    for (const write of writes) {
      const error = await withOpen(source, write).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ ...MOVED, message: expect.stringContaining(message) })
      expect((error as Error).message).not.toContain('password')
    }
    expect(await withOpen(source, dumpTables)).toEqual(made)
    await store(target, 4)
    expect(await withOpen(target, verifyUsage)).toMatchObject({
      storedRequests: REQUESTS + 4,
      balanced: true,
    })
  })

  test('goes back to where it came from, with what was counted since', async () => {
    const printed = await printAll(source)
    const { database_id: id } = await metaOf(source)
    await move(source, target)
    await store(target, 4)
    await move(target, source)
    expect(await metaOf(source)).toMatchObject({ database_id: id, state: 'active' })
    expect(await stateOf(target)).toBe('moved')
    await store(source, 5)
    await expect(store(target, 1)).rejects.toMatchObject(MOVED)
    expect(await withOpen(source, verifyUsage)).toMatchObject({
      storedRequests: REQUESTS + 9,
      balanced: true,
    })
    expect(await printAll(source)).toEqual(printed)
    // and once more: the old rows of each side are replaced
    await move(source, target)
    expect(await withOpen(target, verifyUsage)).toMatchObject({
      storedRequests: REQUESTS + 9,
      balanced: true,
    })
  })

  test('stopped while it copies leaves two databases that accept nothing, and is finished by the next run', async () => {
    await stopMove(source, target, 'end')
    expect([await stateOf(source), await stateOf(target)]).toEqual(['leaving', 'arriving'])
    for (const url of [source, target]) await expect(store(url, 1)).rejects.toMatchObject(MOVED)
    await expect(store(source, 1)).rejects.toThrow('is being moved to')
    await expect(store(target, 1)).rejects.toThrow('is being filled from')
    await move(source, target)
    expect(await withOpen(target, verifyUsage)).toMatchObject({ storedRequests: REQUESTS, balanced: true })
  })

  test('waits for a writer that is under way, and takes its rows along', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    let moved: ReturnType<typeof runProcess>
    await withOpen(source, (db) =>
      db.transaction(async (tx) => {
        await tx.query("update api_key_analytics_keys set name = 'Under way' where label = 'key_acme'")
        // in a process of its own: SQLite blocks the thread that waits
        moved = runProcess('move', JSON.stringify({ from: source, to: target }))
        void vi.waitFor(async () => expect(await stateOf(target)).toBe('arriving'), WAIT).then(release)
        await held
        expect(await stateOf(source)).toBe('active')
      }),
    )
    expect(await moved!).toMatchObject({ code: 0 })
    const names = await withOpen(target, (db) =>
      db.query("select name from api_key_analytics_keys where label = 'key_acme'"),
    )
    expect(names).toEqual([{ name: 'Under way' }])
  })

  test('takes the check of the pepper along', async () => {
    const app = new DatabaseStore({ url: source, pepperCheck: 'check' })
    await app.connect()
    await app.close()
    // somebody tried the new database with a wrong pepper before
    const early = await makeTarget()
    const wrong = new DatabaseStore({ url: early, pepperCheck: 'wrong' })
    await wrong.connect()
    await wrong.close()
    await move(source, early)
    const meta = await metaOf(early)
    expect(meta.pepper_check).toBe('check')
    const there = new DatabaseStore({ url: early, pepperCheck: 'check' })
    expect(await there.connect()).toMatchObject({ pepperMatches: true })
    await there.close()
  })
})

forEachMove(
  'moves one after the other',
  ({ from, makeSource, makeTarget }) => {
    let source: string
    let target: string
    beforeEach(async () => {
      source = await makeSource()
      target = await makeTarget({ migrated: false })
      await fillDatabase(source)
    })

    test('run again says that it is done, and moves nothing', async () => {
      await move(source, target)
      await store(target, 4)
      expect(await move(source, target)).toMatchObject({ done: 'nothing', tables: {} })
      expect(await withOpen(target, verifyUsage)).toMatchObject({ storedRequests: REQUESTS + 4 })
    })

    test('stopped before the freeze leaves an active source, which a later move takes along', async () => {
      await stopMove(source, target, 'freeze')
      await store(source, 4)
      await expect(store(target, 1)).rejects.toMatchObject(MOVED)
      await move(source, target)
      expect(await withOpen(target, verifyUsage)).toMatchObject({
        storedRequests: REQUESTS + 4,
        balanced: true,
      })
    })

    test('interrupted says what to do', async () => {
      const controller = new AbortController()
      const onProgress = () => controller.abort()
      await expect(move(source, target, { signal: controller.signal, onProgress })).rejects.toMatchObject({
        code: 'DATABASE_FAILED',
        message: expect.stringMatching(
          /^Interrupted\. .* accepts no changes until the move is run again, or ended/,
        ),
      })
      await move(source, target)
    })

    test('cancelled makes the source active again, and the target stays out of it', async () => {
      await stopMove(source, target, 'end')
      expect(await cancel(source, target)).toMatchObject({ cancelled: true, to: describeDatabaseUrl(target) })
      expect([await stateOf(source), await stateOf(target)]).toEqual(['active', 'arriving'])
      await store(source, 4)
      await expect(store(target, 1)).rejects.toMatchObject(MOVED)
      expect(await cancel(source, target)).toMatchObject({ cancelled: false })
      await move(source, target)
      expect(await withOpen(target, verifyUsage)).toMatchObject({
        storedRequests: REQUESTS + 4,
        balanced: true,
      })
    })

    test('cancelled stops a run that still copies', async () => {
      const steps: string[] = []
      const onStep = async (step: string) => {
        steps.push(step)
        if (steps.length === 3) await cancel(source, target)
      }
      await expect(move(source, target, { onStep })).rejects.toMatchObject({ code: 'DATABASE_CHANGED' })
      expect([await stateOf(source), await stateOf(target)]).toEqual(['active', 'arriving'])
    })

    test('is taken over by a second run; only one of them ends well', async () => {
      const steps: string[] = []
      const onStep = async (step: string) => {
        steps.push(step)
        if (steps.length === 3) await move(source, target)
      }
      await expect(move(source, target, { onStep })).rejects.toMatchObject({ code: 'DATABASE_CHANGED' })
      expect([await stateOf(source), await stateOf(target)]).toEqual(['moved', 'active'])
      expect(await withOpen(target, verifyUsage)).toMatchObject({ storedRequests: REQUESTS, balanced: true })
    })

    test('is not cancelled when the target is active', async () => {
      await move(source, target)
      await withOpen(source, (db) => db.query("update api_key_analytics_meta set state = 'leaving'"))
      await expect(cancel(source, target)).rejects.toMatchObject({
        ...REFUSED,
        message: expect.stringContaining('There is nothing to cancel'),
      })
      // which is what a kill between the last two steps leaves: the next run finishes it
      expect(await move(source, target)).toMatchObject({ done: 'finish' })
      await expect(cancel(source, target)).rejects.toMatchObject(REFUSED)
      expect([await stateOf(source), await stateOf(target)]).toEqual(['moved', 'active'])
    })

    test('refuses a target with rows of its own, by name, and leaves both as they are', async () => {
      const other = await makeTarget()
      await storeUsage(other, [{ key: BETA, bucket: '2026-12-02T00:00Z', requests: 1 }])
      await expect(move(source, other)).rejects.toMatchObject({
        ...REFUSED,
        message: expect.stringMatching(/ has rows of its own \(api_key_analytics_keys\)\. .* migrate --down/),
      })
      for (const url of [source, other]) {
        expect(await stateOf(url)).toBe('active')
        await store(url, 1)
      }
    })

    test('refuses a target that another database is being moved to', async () => {
      const other = await makeSource()
      await stopMove(other, target, 'end')
      await expect(move(source, target)).rejects.toMatchObject({
        ...REFUSED,
        message: expect.stringContaining('That has nothing to do with'),
      })
      expect(await stateOf(source)).toBe('active')
    })

    test('refuses another target before the first one is given up', async () => {
      await stopMove(source, target, 'end')
      const other = await makeTarget()
      await expect(move(source, other)).rejects.toMatchObject({
        ...REFUSED,
        message: expect.stringContaining(`is being moved to ${describeDatabaseUrl(target)}`),
      })
      await expect(cancel(source, other)).rejects.toMatchObject({
        ...REFUSED,
        message: expect.stringContaining(`but to ${describeDatabaseUrl(target)}`),
      })
      expect(await stateOf(other)).toBe('active')
    })

    test('refuses a source that moved, and names the new one', async () => {
      await move(source, target)
      await expect(move(source, await makeTarget())).rejects.toMatchObject({
        ...REFUSED,
        message: expect.stringContaining(`moved to ${describeDatabaseUrl(target)}`),
      })
      await expect(move(target, target)).rejects.toMatchObject(REFUSED)
    })

    test('refuses to move a database into itself, also in the middle of a move', async () => {
      const spelled =
        from === 'sqlite'
          ? source
              .replace('sqlite:', 'sqlite:///')
              .replace('/usage.db', '/../' + source.split('/').at(-2) + '/usage.db')
          : source.replace('127.0.0.1', 'localhost')
      await expect(move(source, spelled)).rejects.toThrow(
        'are the same database, or one is a copy of the other',
      )
      await stopMove(source, target, 'end')
      await expect(move(source, spelled)).rejects.toMatchObject(REFUSED)
      await expect(move(target, source)).rejects.toMatchObject(REFUSED)
    })
  },
  { toOther: true },
)

describe('a target that cannot be asked', () => {
  let source: TestDatabase
  let target: TestDatabase
  beforeEach(async () => {
    source = await makeDatabase('sqlite')
    target = await makeDatabase('postgresql')
    await store(source.url, 3)
    await stopMove(source.url, target.url, 'end')
    await target.remove()
  })
  afterEach(() => source.remove())

  test('may still become active, so a cancellation says the risk and must be asked for twice', async () => {
    const refusal = { message: expect.stringContaining('--target-is-gone') }
    await expect(cancel(source.url, target.url)).rejects.toMatchObject(refusal)
    await expect(cancel(source.url, undefined)).rejects.toMatchObject(refusal)
    expect(await stateOf(source.url)).toBe('leaving')
    expect(await cancel(source.url, undefined, true)).toMatchObject({ cancelled: true })
    await store(source.url, 4)
    expect(await withOpen(source.url, verifyUsage)).toMatchObject({ storedRequests: 7, balanced: true })
  })
})
