import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FaultPoint } from '../../src/buffer/fault-point.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { readMeta } from '../../src/store/database/read-meta.ts'
import type { DatabaseState } from '../../src/store/database/require-active.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { startCountingApp } from '../support/counting-app.ts'
import type { CountingApp } from '../support/counting-app.ts'
import type { Moment } from '../support/die-at.ts'
import { forEachMove } from '../support/for-each-move.ts'
import type { MoveOrder } from '../support/processes/move.ts'
import { startLoad, Tally } from '../support/load.ts'
import type { Load } from '../support/load.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { readAccount } from '../support/serve-analytics.ts'
import { randomInteger, seededRandom } from '../support/random.ts'
import { foldersLeft, readAccounts, recover } from '../support/recover.ts'
import { startProcess } from '../support/run-process.ts'

const CONNECTIONS = 4
/** Lives of a database in one test; set MOVE_ROUNDS for a longer campaign. */
const ROUNDS = Number(process.env['MOVE_ROUNDS'] ?? 3)
const seed = Number(process.env['MOVE_SEED'] ?? Math.floor(Math.random() * 2 ** 32))

/** Every point that a move comes by, and the state in which a kill there leaves source and target. */
const POINTS: readonly (readonly [FaultPoint, DatabaseState, DatabaseState])[] = [
  ['target claimed', 'active', 'arriving'],
  ['source frozen', 'leaving', 'arriving'],
  ['target emptied', 'leaving', 'arriving'],
  ['page copied', 'leaving', 'arriving'],
  ['copy compared', 'leaving', 'arriving'],
  ['target activated', 'leaving', 'active'],
  ['source finished', 'moved', 'active'],
]

forEachMove(
  `moves that are killed while an app counts (seed ${seed})`,
  ({ from, to, makeSource, makeTarget }) => {
    /** What happens at a step is the same for two databases of one kind. */
    const atStep = test.runIf(from !== to)

    let random: () => number
    let dataDir: string
    let source: string
    let target: string
    let tally: Tally
    let app: CountingApp | undefined
    let kills: number
    beforeEach(async () => {
      random = seededRandom(seed)
      dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-moves-'))
      source = await makeSource()
      target = await makeTarget({ migrated: false })
      tally = new Tally()
      kills = 0
    })
    afterEach(async () => {
      await app?.kill()
      app = undefined
      rmSync(dataDir, { recursive: true, force: true })
    })

    const startApp = (database: string) =>
      startCountingApp({ database, dataDir, mode: 'mapped', flushIntervalMs: 100 })
    /** An app whose first counts are in its database, under load. */
    async function startLoadedApp(database: string, answers: number): Promise<Load> {
      app = await startApp(database)
      const loaded = load(app.url)
      await loaded.answers(answers)
      const isStored = async () => expect((await readAccount(database)).storedRequests).toBeGreaterThan(0)
      await vi.waitFor(isStored, { timeout: PATIENCE_MS })
      return loaded
    }

    const load = (url: string) => startLoad(url, CONNECTIONS, tally, seededRandom(random() * 2 ** 32))

    /** Runs a move in a process of its own. @returns the signal that ended it */
    async function runMove(
      order: Omit<MoveOrder, 'from' | 'to'> & Partial<MoveOrder> = {},
    ): Promise<string | null> {
      const child = startProcess('move', JSON.stringify({ from: source, to: target, ...order }))
      const output = text(child.stdout!)
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
      if (code !== null) expect({ code, output: await output }).toEqual({ code: 0, output: '' })
      return signal
    }

    const statesOf = async () => {
      const states: DatabaseState[] = []
      for (const url of [source, target]) {
        const db = await openDatabase(url)
        states.push((await readMeta(db)).state)
        await db.close()
      }
      return states
    }

    /** Asks both as an app would: at most one may answer, and exactly one at the end. */
    async function countActive(): Promise<number> {
      let active = 0
      for (const url of [source, target]) {
        const store = new DatabaseStore({ url, pepperCheck: '' })
        try {
          await store.connect()
          active += 1
        } catch (error) {
          expect(error).toMatchObject({ code: 'DATABASE_MOVED' })
        } finally {
          await store.close()
        }
      }
      return active
    }

    /** Every acknowledged request is in a database once, which its ledger proves. */
    async function expectAllIn(url: string): Promise<void> {
      await foldersLeft(dataDir, app ? 1 : 0)
      const db = await openDatabase(url)
      try {
        const { stored, problems } = await readAccounts(db, dataDir)
        expect(problems).toEqual([])
        expect(await tally.findViolations(db, kills * CONNECTIONS)).toEqual([])
        expect(tally.answered).toBeLessThanOrEqual(stored)
      } finally {
        await db.close()
      }
    }

    atStep.each(POINTS)(
      'at "%s" leaves %s and %s, and the next run finishes',
      async (point, ofSource, ofTarget) => {
        app = await startApp(source)
        const before = load(app.url)
        await before.answers(50)
        expect(await runMove({ moment: { point, occurrence: 1 } })).toBe('SIGKILL')
        expect(await statesOf()).toEqual([ofSource, ofTarget])
        const active = await countActive()
        expect(active).toBe([ofSource, ofTarget].filter((state) => state === 'active').length)
        // counting goes on whatever the databases do
        await before.answers(100)
        expect(await runMove()).toBe(null)
        expect(await statesOf()).toEqual(['moved', 'active'])
        await before.stop()
        await app.terminate()
        app = await startApp(target)
        const after = load(app.url)
        await after.answers(50)
        await after.stop()
        await app!.terminate()
        app = undefined
        await expectAllIn(target)
      },
    )

    test('at any moment, also beside an app that is killed, moves back and forth without losing a count', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const running = await startLoadedApp(source, randomInteger(random, 1, 200))
        const moment: Moment = {
          point: POINTS[randomInteger(random, 0, POINTS.length - 1)]![0],
          occurrence: 1,
        }
        const moving = runMove({ moment })
        if (random() < 0.5) {
          await app!.kill()
          kills += 1
        }
        await moving
        await running.stop()
        if (random() < 0.3 && (await statesOf())[1] !== 'active') {
          expect(await runMove({ cancel: true })).toBe(null)
          expect(await countActive()).toBe(1)
        }
        expect(await runMove()).toBe(null)
        expect(await countActive()).toBe(1)
        // of a worker that still has the old URL nothing is lost: it keeps what it counts
        await app!.terminate()
        app = undefined
        await recover(target, dataDir)
        await expectAllIn(target)
        ;[source, target] = [target, source]
      }
    })

    atStep.each<FaultPoint>(['target abandoned', 'source released'])(
      'while it is cancelled at "%s" is cancelled by the next run, and goes on counting',
      async (point) => {
        const running = await startLoadedApp(source, 50)
        expect(await runMove({ moment: { point: 'page copied', occurrence: 1 } })).toBe('SIGKILL')
        expect(await runMove({ cancel: true, moment: { point, occurrence: 1 } })).toBe('SIGKILL')
        expect(await runMove({ cancel: true })).toBe(null)
        expect(await statesOf()).toEqual(['active', 'arriving'])
        await running.stop()
        await app!.terminate()
        app = undefined
        await recover(source, dataDir)
        await expectAllIn(source)
      },
    )
  },
)
