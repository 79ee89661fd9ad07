import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { findStatements } from '../../../src/billing/statement/read-statement.ts'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { pruneUsage } from '../../../src/store/remove/prune-usage.ts'
import { DAY_MS, FIRST_DAY, labelOfDay } from './counted-days.ts'
import type { CountDaysOptions } from './counted-days.ts'
import { makeDatabase } from '../databases/databases.ts'
import type { DatabaseKind, TestDatabase } from '../databases/databases.ts'
import { randomInteger, seededRandom } from '../random.ts'
import { recover } from './recover.ts'
import { startProcess } from '../processes/run-process.ts'
import { startTcpProxy } from '../databases/tcp-proxy.ts'
import type { TcpProxy } from '../databases/tcp-proxy.ts'

const FLUSHERS = 8

/** What happens to a closing. */
type Hazard = 'none' | 'kill' | 'interrupt' | 'cut after commit' | 'stormy' | 'two at once'

const HAZARDS: Record<DatabaseKind, readonly Hazard[]> = {
  sqlite: ['none', 'kill', 'kill', 'interrupt', 'two at once'],
  postgresql: ['none', 'kill', 'interrupt', 'cut after commit', 'cut after commit', 'stormy', 'two at once'],
}

interface Outcome {
  readonly ready?: true
  /** Closed: the hash of the statement. */
  readonly hash?: string
  readonly code?: string
  readonly message?: string
}

/**
 * Eight processes on machines of their own that count and flush all the time and are killed at random, and processes
 * that close one day after the other and are killed, interrupted and cut off from PostgreSQL.
 */
export class CloseCampaign {
  readonly url: string
  readonly db: Database
  /** How often each thing happened. */
  readonly seen: Record<string, number> = {}
  readonly #kind: DatabaseKind
  readonly #database: TestDatabase
  readonly #proxy: TcpProxy | undefined
  readonly #random: () => number
  readonly #folder: string
  readonly #machines: Machine[]
  /** The second one closes the same day at the same moment, sometimes. */
  readonly #closers: (Closer | undefined)[] = []
  #isOver = false
  /** How long a closing takes, milliseconds: kills come within this time. */
  #closingMs = 100

  private constructor(
    kind: DatabaseKind,
    database: TestDatabase,
    db: Database,
    proxy: TcpProxy | undefined,
    random: () => number,
  ) {
    this.#kind = kind
    this.#database = database
    this.db = db
    this.#proxy = proxy
    this.#random = random
    this.url = proxy?.url ?? database.url
    this.#folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-closes-'))
    this.#setToday(0)
    this.#machines = Array.from(
      { length: FLUSHERS },
      (_, number) =>
        new Machine({
          database: this.url,
          dataDir: join(this.#folder, `machine-${number}`),
          today: join(this.#folder, 'today'),
          noted: join(this.#folder, `noted-${number}`),
          seed: randomInteger(random, 0, 1000),
        }),
    )
  }

  static async open(kind: DatabaseKind, seed: number): Promise<CloseCampaign> {
    const database = await makeDatabase(kind)
    const proxy =
      kind === 'postgresql' ? await startTcpProxy(database.url, seededRandom(seed + 1)) : undefined
    return new CloseCampaign(kind, database, await openDatabase(database.url), proxy, seededRandom(seed))
  }

  /** Closes so many days, each with hazards until its statement is there. @throws Error at the first violation */
  async play(days: number): Promise<void> {
    for (const machine of this.#machines) machine.start()
    const killing = this.#killMachines()
    try {
      for (let day = 0; day < days; day++) {
        await this.#countOn(day)
        // the machines go on with the next day, and some still hold counts of this one
        this.#setToday(day + 1)
        await this.#close(day)
      }
    } finally {
      this.#isOver = true
      await killing
    }
  }

  /** Delivers what the killed machines left. @returns the files in which they noted what they counted, and the kills */
  async settle(): Promise<{ noted: string[]; kills: number }> {
    await Promise.all(this.#machines.map((machine) => machine.kill()))
    for (const { options } of this.#machines) await recover(this.url, options.dataDir)
    return {
      noted: this.#machines.map(({ options }) => options.noted),
      kills: this.#machines.reduce((sum, { kills }) => sum + kills, 0),
    }
  }

  get cuts(): number {
    const { afterCommit = 0, anywhere = 0 } = this.#proxy?.cuts ?? {}
    return afterCommit + anywhere
  }

  async end(): Promise<void> {
    for (const closer of this.#closers) await closer?.kill('SIGKILL')
    await Promise.all(this.#machines.map((machine) => machine.kill()))
    await this.db.close()
    await this.#proxy?.close()
    await this.#database.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #setToday(day: number): void {
    writeFileSync(join(this.#folder, 'today'), String(day))
  }

  /** Waits until the table has usage of a day. */
  async #countOn(day: number): Promise<void> {
    const { dialect } = this.db
    const begin = dialect.timeOf(String(FIRST_DAY + day * DAY_MS))
    while (
      (await this.db.query(`select 1 from api_key_analytics where bucket >= ${begin} limit 1`)).length === 0
    ) {
      await sleep(20)
    }
  }

  async #killMachines(): Promise<void> {
    while (!this.#isOver) {
      await sleep(randomInteger(this.#random, 200, 1000))
      const machine = this.#machines[randomInteger(this.#random, 0, FLUSHERS - 1)]!
      // a dead machine comes back when it is chosen again; until then its counts wait
      if (machine.isRunning) await machine.kill()
      else machine.start()
    }
  }

  async #close(day: number): Promise<void> {
    const label = labelOfDay(day)
    while (!(await this.#findHash(label))) {
      const hazards = HAZARDS[this.#kind]
      const hazard = hazards[randomInteger(this.#random, 0, hazards.length - 1)]!
      this.#note(hazard)
      const pruning =
        this.#random() < 0.3 ? pruneUsage(this.db, { before: new Date(FIRST_DAY + day * DAY_MS) }) : undefined
      await this.#try(label, hazard)
      await pruning?.catch(requireBusy)
    }
    this.#note('closed')
  }

  async #try(label: string, hazard: Hazard): Promise<void> {
    const closer = await this.#startCloser(0)
    const start = performance.now()
    if (hazard === 'cut after commit' || hazard === 'stormy') this.#proxy!.weather = hazard
    const second = hazard === 'two at once' ? await this.#startCloser(1) : undefined
    const answers = [closer.close(label), second ? second.close(label) : Promise.resolve(undefined)]
    const moment = this.#random() * this.#closingMs * 1.2
    if (hazard === 'kill') await sleep(moment).then(() => closer.kill('SIGKILL'))
    if (hazard === 'interrupt') await sleep(moment).then(() => closer.interrupt())
    const [outcome, other] = await Promise.all(answers)
    if (this.#proxy) this.#proxy.weather = 'calm'
    if (!outcome) this.#note('ended without an answer')
    await this.#require(label, outcome)
    await this.#require(label, other)
    if (outcome?.hash && hazard === 'none') this.#closingMs = performance.now() - start
  }

  /** A closer that a signal has ended is replaced. */
  async #startCloser(index: number): Promise<Closer> {
    const running = this.#closers[index]
    if (running?.isRunning) return running
    return (this.#closers[index] = await Closer.start(this.url))
  }

  /** What a closer said must be true. */
  async #require(label: string, outcome: Outcome | undefined): Promise<void> {
    if (!outcome) return
    const stored = await this.#findHash(label)
    const { hash, code, message = '' } = outcome
    if (hash !== undefined) {
      if (stored !== hash) throw new Error(`${label} was said to be closed with ${hash}, and has ${stored}.`)
    } else if (message.startsWith('Interrupted')) {
      this.#note('interrupted')
      if (stored !== undefined) throw new Error(`${label} was said to be not closed, and is.`)
    } else if (message.includes('closed already')) {
      if (stored === undefined) throw new Error(`${label} was said to be closed already, and is not.`)
    } else if (code !== 'DATABASE_UNREACHABLE' && code !== 'DATABASE_BUSY') {
      throw new Error(`${label}: ${code}: ${message}`)
    } else this.#note(code)
  }

  async #findHash(label: string): Promise<string | undefined> {
    const found = (await findStatements(this.db)).filter(({ statement }) => statement.period.label === label)
    if (found.length > 1) throw new Error(`${label} was closed ${found.length} times.`)
    return found[0]?.hash
  }

  #note(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1
  }
}

/** A machine with a data folder of its own, on which one process counts at a time. */
class Machine {
  readonly options: CountDaysOptions
  kills = 0
  #process: ChildProcess | undefined

  constructor(options: CountDaysOptions) {
    this.options = options
    writeFileSync(options.noted, '')
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  start(): void {
    this.#process = startProcess('count-days', JSON.stringify(this.options))
  }

  /** @throws Error when the process had ended by itself */
  async kill(): Promise<void> {
    const child = this.#process
    if (!child) return
    this.#process = undefined
    if (child.exitCode !== null) throw new Error(`A process that counts ended with ${child.exitCode}.`)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    this.kills += 1
  }
}

/** A process that closes days. */
class Closer {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stdin!.on('error', () => {})
    this.#lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  }

  static async start(url: string): Promise<Closer> {
    const closer = new Closer(startProcess('close-days', url))
    if (!(await closer.#read())?.ready) throw new Error('A process that closes did not start.')
    return closer
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Undefined when the process ended before it answered. */
  close(label: string): Promise<Outcome | undefined> {
    this.#child.stdin!.write(`${label}\n`)
    return this.#read()
  }

  interrupt(): void {
    this.#child.kill('SIGINT')
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    await ended
  }

  async #read(): Promise<Outcome | undefined> {
    const { value, done } = await this.#lines.next()
    return done ? undefined : (JSON.parse(value) as Outcome)
  }
}

function requireBusy(error: { code?: string }): void {
  if (error.code !== 'DATABASE_BUSY') throw error
}
