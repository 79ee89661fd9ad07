import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listProcessFolders } from '../../src/buffer/folder/recovery.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { countUntilDeath } from '../support/crash/counter-child.ts'
import { startCountingApp } from '../support/crash/counting-app.ts'
import type { CountingApp } from '../support/crash/counting-app.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { startLoad, Tally } from '../support/crash/load.ts'
import type { Load } from '../support/crash/load.ts'
import { randomInteger, seededRandom } from '../support/random.ts'
import { foldersLeft, readAccounts, recover } from '../support/crash/recover.ts'

const PROCESSES = 8
const CONNECTIONS = 2
/** Between bursts of a connection. */
const REST_MS = 50
const KILLS = 4
const seed = Math.floor(Math.random() * 2 ** 32)

interface Worker {
  readonly app: CountingApp
  readonly load: Load
}

// Every one of these processes says that its id is 1, as in containers that share a volume.
forEachDatabase(`eight processes on one data folder and one database (seed ${seed})`, (kind, makeUrl) => {
  test('are exact together, however many are killed and recovered meanwhile', async () => {
    const random = seededRandom(seed)
    const tally = new Tally()
    const database = await makeUrl()
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-many-'))
    const db = await openDatabase(database)
    const start = async (mode: 'mapped' | 'written'): Promise<Worker> => {
      const app = await startCountingApp({ database, dataDir, mode, flushIntervalMs: 100 })
      return { app, load: startLoad(app.url, CONNECTIONS, tally, seededRandom(random() * 2 ** 32), REST_MS) }
    }
    const modeOf = (index: number) => (index % 2 === 0 ? 'mapped' : 'written')
    const workers = await Promise.all(Array.from({ length: PROCESSES }, (_, index) => start(modeOf(index))))
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const index = randomInteger(random, 0, PROCESSES - 1)
        await killAndReplace(index)
      }
      // Nobody counts and nobody dies: a recoverer finds no folder that it may touch.
      for (const { load } of workers) await load.stop()
      await foldersLeft(dataDir, PROCESSES)
      const living = listProcessFolders(dataDir)
      await recover(database, dataDir)
      expect(listProcessFolders(dataDir)).toEqual(living)

      const [terminated, killed] = [workers.slice(0, 4), workers.slice(4)]
      expect(await Promise.all(terminated.map(({ app }) => app.terminate()))).toEqual([0, 0, 0, 0])
      await Promise.all(killed.map(({ app }) => app.kill()))
      expect(listProcessFolders(dataDir)).toHaveLength(killed.length)
      await recover(database, dataDir)
      expect(listProcessFolders(dataDir)).toEqual([])

      const { stored, problems } = await readAccounts(db, dataDir)
      expect(problems).toEqual([])
      expect(await tally.findViolations(db, (KILLS + PROCESSES) * CONNECTIONS)).toEqual([])
      expect(tally.sent - tally.answered).toBeLessThanOrEqual(KILLS * CONNECTIONS)
      expect(stored).toBeGreaterThanOrEqual(tally.answered)
      expect(tally.answered).toBeGreaterThan(PROCESSES * CONNECTIONS)
    } finally {
      await Promise.all(workers.map(({ app }) => app.kill()))
      await db.close()
      rmSync(dataDir, { recursive: true, force: true })
    }

    async function killAndReplace(index: number): Promise<void> {
      const { app, load } = workers[index]!
      await load.answers(randomInteger(random, 1, 300))
      await app.kill()
      await load.stop()
      // Recovered while it starts, by this process or by the new one, whoever is first.
      const recovered = recover(database, dataDir)
      workers[index] = await start(modeOf(index))
      await recovered
    }
  })

  test('does not take a process with the same id for the dead one', async () => {
    const database = await makeUrl()
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-many-'))
    const acknowledged = join(dataDir, 'acknowledged')
    const options = { database, dataDir, mode: 'mapped' } as const
    const tally = new Tally()
    const db = await openDatabase(database)
    const living = await startCountingApp({ ...options, flushIntervalMs: 3_600_000 })
    try {
      const [itsFolder] = listProcessFolders(dataDir)
      const load = startLoad(living.url, CONNECTIONS, tally, Math.random)
      await load.answers(50)
      await load.stop()
      const moment = { point: 'next file opened', occurrence: 3 } as const
      await countUntilDeath({ ...options, acknowledged, flush: false, moment })
      const left = statSync(acknowledged).size
      expect(left).toBeGreaterThan(0)

      await recover(database, dataDir)
      await foldersLeft(dataDir, 1)
      expect(listProcessFolders(dataDir)).toEqual([itsFolder])
      expect((await readAccounts(db, dataDir)).stored).toBeGreaterThanOrEqual(left)

      expect(await living.terminate()).toBe(0)
      const { stored, problems } = await readAccounts(db, dataDir)
      expect(problems).toEqual([])
      expect(stored).toBe(left + tally.sent)
    } finally {
      await living.kill()
      await db.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})
