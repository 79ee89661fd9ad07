import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AnalyticsError } from '../../../src/model/errors.ts'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import { readMeta } from '../../../src/store/database/read-meta.ts'
import type { DatabaseState } from '../../../src/store/database/require-active.ts'
import { DatabaseStore } from '../../../src/store/database-store.ts'
import { startCountingApp } from './counting-app.ts'
import type { CountingApp } from './counting-app.ts'
import type { Way } from '../databases/for-each-move.ts'
import { startLoad, Tally } from './load.ts'
import type { Load } from './load.ts'
import type { MoveOrder } from '../processes/programs/move.ts'
import { seededRandom } from '../random.ts'
import { foldersLeft, readAccounts } from './recover.ts'
import { startProcess } from '../processes/run-process.ts'

const CONNECTIONS = 4
/** Between bursts of a connection. */
const REST_MS = 50

/** Two databases, moves between them in processes that may be killed, and an app that counts meanwhile. */
export class MoveCampaign {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-moves-'))
  source: string
  target: string
  readonly #random: () => number
  readonly #tally = new Tally()
  #app: CountingApp | undefined
  #kills = 0

  private constructor(source: string, target: string, random: () => number) {
    this.source = source
    this.target = target
    this.#random = random
  }

  static async open({ makeSource, makeTarget }: Way, random: () => number): Promise<MoveCampaign> {
    return new MoveCampaign(await makeSource(), await makeTarget({ migrated: false }), random)
  }

  async close(): Promise<void> {
    await this.#app?.kill()
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  /** Starts an app under load. @returns when it has so many answers, and some of its counts are in the database */
  async startApp(database: string, answers: number): Promise<Load> {
    const { dataDir } = this
    this.#app = await startCountingApp({ database, dataDir, mode: 'mapped', flushIntervalMs: 100 })
    const random = seededRandom(this.#random() * 2 ** 32)
    const load = startLoad(this.#app.url, CONNECTIONS, this.#tally, random, REST_MS)
    await load.answers(answers)
    const db = await openDatabase(database)
    const stored = () => db.query('select 1 from api_key_analytics limit 1')
    while ((await stored()).length === 0) await sleep(10)
    await db.close()
    return load
  }

  async killApp(): Promise<void> {
    await this.#app?.kill()
    this.#app = undefined
    this.#kills += 1
  }

  /** As a service manager does. */
  async stopApp(): Promise<void> {
    await this.#app?.terminate()
    this.#app = undefined
  }

  /** Runs a move, or cancels one. @returns how its process ended: by an exit code, or by a signal */
  async move(order: Omit<MoveOrder, 'from' | 'to'> = {}): Promise<number | string | null> {
    const { source: from, target: to } = this
    const [code, signal] = (await once(
      startProcess('move', JSON.stringify({ from, to, ...order })),
      'close',
    )) as [number | null, string | null]
    return code ?? signal
  }

  async readStates(): Promise<[source: DatabaseState, target: DatabaseState]> {
    return [await stateOf(this.source), await stateOf(this.target)]
  }

  /** Asks both as an app would, and counts those that accept batches. */
  async countActive(): Promise<number> {
    let active = 0
    for (const url of [this.source, this.target]) if (await isActive(url)) active += 1
    return active
  }

  /** What should not be: a request that was answered and is not in the database, or is there twice. */
  async findViolations(url: string): Promise<string[]> {
    await foldersLeft(this.dataDir, 0)
    const db = await openDatabase(url)
    try {
      const { stored, problems } = await readAccounts(db, this.dataDir)
      if (stored < this.#tally.answered) problems.push(`${stored} stored of ${this.#tally.answered}`)
      return [...problems, ...(await this.#tally.findViolations(db, this.#kills * CONNECTIONS))]
    } finally {
      await db.close()
    }
  }
}

async function stateOf(url: string): Promise<DatabaseState> {
  const db = await openDatabase(url)
  try {
    return (await readMeta(db)).state
  } finally {
    await db.close()
  }
}

async function isActive(url: string): Promise<boolean> {
  const store = new DatabaseStore({ url, pepperCheck: '' })
  try {
    await store.connect()
    return true
  } catch (error) {
    if (error instanceof AnalyticsError && error.code === 'DATABASE_MOVED') return false
    throw error
  } finally {
    await store.close()
  }
}
