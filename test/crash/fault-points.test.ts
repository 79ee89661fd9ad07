import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { countersDir, UNFINISHED } from '../../src/buffer/folder/data-dir.ts'
import type { FaultPoint } from '../../src/model/fault-point.ts'
import { listProcessFolders } from '../../src/buffer/folder/recovery.ts'
import { findUsage } from '../../src/store/read/find-usage.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { countUntilDeath, startRecoverer, TOKENS_AT_ONCE } from '../support/crash/counter-child.ts'
import type { CounterOptions, End } from '../support/crash/counter-child.ts'
import type { Moment } from '../support/processes/die-at.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { randomInteger, seededRandom } from '../support/random.ts'
import { readAccounts, recover } from '../support/crash/recover.ts'

const DEAD: End = { code: null, signal: 'SIGKILL' }
const seed = Math.floor(Math.random() * 2 ** 32)

/** Every point that counting and flushing comes by, and how often at least in eight cycles. */
const COUNTING: readonly (readonly [FaultPoint, number])[] = [
  ['folder made', 1],
  ['folder locked', 1],
  ['folder renamed', 1],
  ['file filled', 2],
  ['file created', 8],
  ['request timed', 100],
  ['quantity added', 200],
  ['late addition counted', 100],
  ['names record written', 100],
  ['names record published', 100],
  ['next area prepared', 15],
  ['areas switched', 15],
  ['next file opened', 7],
  ['batch stamped', 20],
  ['batch committed', 20],
  ['batch marked delivered', 20],
  ['file freed', 7],
  ['file reset', 5],
]
/** Every point of the recovery of two dead processes with three files each. */
const RECOVERING: readonly (readonly [FaultPoint, number])[] = [
  ['folder taken over', 2],
  ['batch stamped', 10],
  ['batch committed', 10],
  ['batch marked delivered', 10],
  ['dead file delivered', 6],
  ['dead file removed', 6],
  ['folder emptied', 2],
]
/** Points in files that the next start of the app comes by. */
const TAKING_OVER = [
  'folder taken over',
  'dead file delivered',
  'dead file removed',
  'folder emptied',
] as const

forEachDatabase(`a process that is killed between two steps (seed ${seed})`, (kind, makeUrl) => {
  const random = seededRandom(seed)
  // one mode meets a point at its first occurrence, and the other one at a later one
  const [mode, otherMode] =
    random() < 0.5 ? (['mapped', 'written'] as const) : (['written', 'mapped'] as const)
  // what happens in files does not depend on the database
  const isMet = ([point]: readonly [FaultPoint, number]) => kind === 'sqlite' || point.startsWith('batch ')
  let database: string
  let db: Database
  let storedBefore: number
  let tokensBefore: number
  let deaths: number
  let dataDir: string
  let acknowledged: string

  beforeAll(async () => {
    database = await makeUrl()
    db = await openDatabase(database)
  })
  afterAll(() => db.close())
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-faults-'))
    acknowledged = join(dataDir, 'acknowledged')
    writeFileSync(acknowledged, '')
    deaths = 0
    storedBefore = (await readAccounts(db, dataDir)).stored
    tokensBefore = await readTokens()
  })
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

  const count = (options: Partial<CounterOptions>) => {
    deaths += 1
    return countUntilDeath({ database, dataDir, mode, acknowledged, ...options })
  }
  const readTokens = async (): Promise<number> => {
    const [row] = await findUsage(db, { units: true })
    return Number(row?.quantities?.find(({ unit }) => unit === 'tokens')?.quantity ?? 0)
  }
  /** Leaves a dead process's folder with three files of which nothing is delivered. */
  const leaveCounts = () => count({ flush: false, moment: { point: 'next file opened', occurrence: 3 } })
  const runRecoverer = async (moment: Moment) => (await startRecoverer({ database, dataDir, moment }))()

  async function expectExactCounts(): Promise<void> {
    ageUnfinishedFolders(dataDir)
    await recover(database, dataDir)
    const { stored, problems } = await readAccounts(db, dataDir)
    expect(problems).toEqual([])
    expect(stored - storedBefore).toBe(statSync(acknowledged).size)
    const [tokens, set] = [(await readTokens()) - tokensBefore, statSync(`${acknowledged}-tokens`).size]
    // each process died at most between the store of some tokens and their acknowledgement
    expect(tokens).toBeGreaterThanOrEqual(set)
    expect(tokens).toBeLessThanOrEqual(set + deaths * TOKENS_AT_ONCE)
    expect(listProcessFolders(dataDir)).toEqual([])
  }

  test.each(COUNTING.filter(isMet))('loses and doubles nothing when it dies at "%s"', async (point, most) => {
    const later = { point, occurrence: randomInteger(random, Math.min(2, most), most) }
    expect(await count({ moment: later })).toEqual(DEAD)
    expect(await count({ moment: { point, occurrence: 1 }, mode: otherMode })).toEqual(DEAD)
    await expectExactCounts()
  })

  test('loses and doubles nothing when it dies with a file full of cells, its successor just opened', async () => {
    expect(await count({ cells: 5000, moment: { point: 'next file opened', occurrence: 1 } })).toEqual(DEAD)
    expect(statSync(acknowledged).size).toBeGreaterThan(1024)
    await expectExactCounts()
  })

  test.each(RECOVERING.filter(isMet))(
    'is recovered exactly when its recoverer dies at "%s"',
    async (point, most) => {
      expect(await leaveCounts()).toEqual(DEAD)
      expect(await leaveCounts()).toEqual(DEAD)
      const later = { point, occurrence: randomInteger(random, 2, most) }
      expect(await runRecoverer(later)).toEqual(DEAD)
      expect(await leaveCounts()).toEqual(DEAD)
      expect(await runRecoverer({ point, occurrence: 1 })).toEqual(DEAD)
      await expectExactCounts()
    },
  )

  test.each<FaultPoint>(kind === 'sqlite' ? TAKING_OVER : [])(
    'is recovered exactly when the next start of the app dies at "%s"',
    async (point) => {
      expect(await leaveCounts()).toEqual(DEAD)
      expect(await count({ moment: { point, occurrence: 1 } })).toEqual(DEAD)
      await expectExactCounts()
    },
  )

  test('is recovered exactly by two processes at the same time', async () => {
    for (let dead = 0; dead < 4; dead++) expect(await leaveCounts()).toEqual(DEAD)
    const recoverers = await Promise.all([0, 1].map(() => startRecoverer({ database, dataDir })))
    const ends = await Promise.all(recoverers.map((go) => go()))
    expect(ends).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ])
    expect(statSync(acknowledged).size).toBeGreaterThan(0)
    await expectExactCounts()
  })
})

/** A folder that never got its name is left alone for a minute: its maker may live. */
function ageUnfinishedFolders(dataDir: string): void {
  const anHourAgo = Date.now() / 1000 - 3600
  for (const name of readdirSync(countersDir(dataDir)).filter((name) => name.startsWith(UNFINISHED))) {
    utimesSync(join(countersDir(dataDir), name), anHourAgo, anHourAgo)
  }
}
