import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { startCountingApp } from './counting-app.ts'
import type { CountingApp, CountingAppOptions } from './counting-app.ts'
import { makeDatabase } from '../databases/databases.ts'
import type { DatabaseKind, TestDatabase } from '../databases/databases.ts'
import { startLoad, Tally } from './load.ts'
import { randomInteger, seededRandom } from '../random.ts'
import { countWaiting, foldersLeft, readAccounts, recover } from './recover.ts'

const CONNECTIONS = 6

export interface CampaignOptions {
  readonly kind: DatabaseKind
  readonly mode: CountingAppOptions['mode']
  readonly random: () => number
}

/** One life of the app: from its start over load to SIGKILL and recovery. Counts are those of this round. */
export interface Round {
  /** `idle`: no request was in flight at the kill, so the counts are equal. */
  readonly kill: 'loaded' | 'idle'
  /** By the next start of the app, or by a process that only delivers. */
  readonly recovery: 'restart' | 'flush'
  readonly sent: number
  readonly answered: number
  readonly stored: number
  /** Requests that only the counter files had after the kill. */
  readonly rescued: number
  /** What should never be, as sentences. */
  readonly violations: readonly string[]
}

/** An app that is killed over and over on one data folder and one database, and the client that knows the truth. */
export class KillCampaign {
  readonly dataDir: string
  readonly url: string
  readonly #options: CampaignOptions
  readonly #database: TestDatabase
  readonly #db: Database
  readonly #tally = new Tally()
  #app: CountingApp | undefined
  #played = 0
  /** Requests in the database after the last round. */
  #stored = 0

  private constructor(options: CampaignOptions, database: TestDatabase, db: Database) {
    this.#options = options
    this.#database = database
    this.#db = db
    this.url = database.url
    this.dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-kills-'))
  }

  static async open(options: CampaignOptions): Promise<KillCampaign> {
    const database = await makeDatabase(options.kind)
    return new KillCampaign(options, database, await openDatabase(database.url))
  }

  /** Every other round kills an idle app, every other pair recovers by a restart. */
  async playRound(): Promise<Round> {
    const kill = this.#played % 2 === 0 ? 'loaded' : 'idle'
    const recovery = this.#played % 4 < 2 ? 'restart' : 'flush'
    this.#played += 1
    const before = { sent: this.#tally.sent, answered: this.#tally.answered, stored: this.#stored }
    this.#app ??= await this.#start()
    await this.#loadAndKill(this.#app, kill)
    this.#app = undefined
    const rescued = await countWaiting(this.dataDir)
    if (recovery === 'restart') this.#app = await this.#start()
    else await recover(this.url, this.dataDir)
    await foldersLeft(this.dataDir, this.#app ? 1 : 0)
    const { stored: storedByNow, problems } = await readAccounts(this.#db, this.dataDir)
    this.#stored = storedByNow
    const sent = this.#tally.sent - before.sent
    const answered = this.#tally.answered - before.answered
    const stored = this.#stored - before.stored
    const violations = [
      ...problems,
      ...(await this.#tally.findViolations(this.#db, this.#played * CONNECTIONS)),
    ]
    const mostInFlight = kill === 'idle' ? 0 : CONNECTIONS
    if (answered > stored || stored > sent || sent - answered > mostInFlight) {
      violations.push(`sent ${sent}, answered ${answered}, stored ${stored} in a round of kind ${kill}`)
    }
    return { kill, recovery, sent, answered, stored, rescued, violations }
  }

  /** Ends the app and lets go of the database; removes all that it made unless it is to be looked at. */
  async close({ keep = false } = {}): Promise<void> {
    await this.#app?.kill()
    await this.#db.close()
    if (keep) return
    await this.#database.remove()
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  #start(): Promise<CountingApp> {
    const flushIntervalMs = randomInteger(this.#options.random, 100, 300)
    const { dataDir, url: database } = this
    return startCountingApp({ database, dataDir, mode: this.#options.mode, flushIntervalMs })
  }

  async #loadAndKill(app: CountingApp, kill: Round['kill']): Promise<void> {
    const { random } = this.#options
    // Random numbers of its own: how many a load takes depends on time, and a seed shall give the same kills.
    const load = startLoad(app.url, CONNECTIONS, this.#tally, seededRandom(random() * 2 ** 32))
    await load.answers(randomInteger(random, 1, 1500))
    if (kill === 'idle') await load.stop()
    // Somewhere between two answers, or between two flushes.
    await sleep(random() * (kill === 'idle' ? 100 : 3))
    await app.kill()
    await load.stop()
  }
}
