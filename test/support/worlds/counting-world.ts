import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { NO_QUOTAS } from '../../../src/model/quota.ts'
import { deliverDataDir } from '../../../src/buffer/deliver-data-dir.ts'
import { inspectDataDir } from '../../../src/buffer/folder/inspect-data-dir.ts'
import type { CounterMode } from '../../../src/buffer/file/counter-memory.ts'
import { binOf, toSparseBins } from '../../../src/model/duration-bins.ts'
import { AnalyticsError } from '../../../src/model/errors.ts'
import { DatabaseStore } from '../../../src/store/database-store.ts'
import { openDatabase } from '../../../src/store/database/open-database.ts'
import { verifyUsage, type VerifyResult } from '../../../src/store/verify/verify-usage.ts'
import { rangeOf } from '../../../src/model/batch.ts'
import type { Batch } from '../../../src/model/batch.ts'
import { UNSET } from '../../../src/model/request-counter.ts'
import type { UsageStore } from '../../../src/store/usage-store.ts'
import { startCounting, TEST_TARGET, type CountingProcess } from '../usage/counting-process.ts'
import { HOUR, keyIdOf } from '../usage/make-batch.ts'
import { readRows } from '../databases/read-rows.ts'

export type DatabaseName = 'A' | 'B'
export type Fault = 'none' | 'before commit' | 'after commit'

/** What can happen to the world; `program` is one of two that share the data folder. */
export type Step =
  | { do: 'count'; program: number; cell: number; times: number }
  | { do: 'add late'; program: number; cell: number; unit: number; quantity: number }
  | { do: 'fill names'; program: number }
  | { do: 'seal'; program: number }
  | { do: 'flush'; program: number; fault: Fault }
  | { do: 'crash'; program: number }
  | { do: 'recover'; at: 1 | 2; fault: Fault }
  | { do: 'move clock'; byMs: number }
  | { do: 'copy folder'; copy: number }
  | { do: 'recover folder copy'; copy: number; fault: Fault }
  | { do: 'copy database' }
  | { do: 'restore copy' }
  | { do: 'switch database' }

/** Requests by row and by bin of durations. */
type BinsByRow = Map<string, Record<number, number>>

/** What a database committed, in order; a restored one has forgotten the end. */
type Log = readonly Pick<Batch, 'instance' | 'sequence' | 'countedBefore' | 'requestCount' | 'units'>[]

/** By row and unit: requests with the unit, and their quantity. */
type QuantitiesByRow = Map<string, { requests: number; quantity: number }>

interface InstanceTotals {
  readonly instance: string
  readonly deliveredRequests: number
  readonly missingRequests: number
}

const BUCKET_MS = 3_600_000
const NAMES = ['A', 'B'] as const
/** Few slots, so that the twelve cells of the steps fill the first file. */
const FIRST_SLOTS = 8
const UNITS = ['tokens', 'rows']

/**
 * Two programs that count into real files and flush to real SQLite databases, and a ledger of what was added and
 * committed to compare them with. Only the programs' deaths are played: their objects are dropped as they are.
 */
export class CountingWorld {
  readonly #home: string
  readonly #mapped: boolean
  readonly #programs: CountingProcess[]
  readonly #stores: Record<DatabaseName, DatabaseStore>
  readonly #logs: Record<DatabaseName, Log> = { A: [], B: [] }
  readonly #copies: Partial<Record<DatabaseName, Log>> = {}
  readonly #committed = new Map<string, number>()
  readonly #added = new Map<string, { requests: number; durationUs: number }>()
  readonly #addedBins: BinsByRow = new Map()
  readonly #committedBins: BinsByRow = new Map()
  readonly #addedQuantities: QuantitiesByRow = new Map()
  readonly #committedQuantities: QuantitiesByRow = new Map()
  /** The bucket that each program counts into. */
  readonly #buckets = [HOUR, HOUR]
  #current: DatabaseName = 'A'
  #fault: Fault = 'none'
  #now = HOUR + BUCKET_MS / 2
  #names = 0
  addedRequests = 0

  constructor(home: string, mapped: boolean, makeDatabase: (name: DatabaseName, path: string) => void) {
    this.#home = home
    this.#mapped = mapped
    mkdirSync(home)
    for (const name of NAMES) makeDatabase(name, this.#path(name))
    this.#stores = { A: this.#open('A'), B: this.#open('B') }
    this.#programs = [this.#start(), this.#start()]
  }

  get mode(): CounterMode {
    return this.#programs[0]!.buffer.mode
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'count') this.#count(step.program, `/cell/${step.cell}`, step.times)
    else if (step.do === 'add late')
      this.#addLate(step.program, `/cell/${step.cell}`, step.unit, step.quantity)
    else if (step.do === 'fill names') this.#fillNames(step.program)
    else if (step.do === 'seal') this.#seal(step.program)
    else if (step.do === 'flush') await this.#flush(step.program, step.fault)
    else if (step.do === 'crash') this.#crash(step.program)
    else if (step.do === 'recover') await this.#recover(step.at, step.fault)
    else if (step.do === 'move clock') this.#now += step.byMs
    else if (step.do === 'copy folder') this.#copyFolder(step.copy)
    else if (step.do === 'recover folder copy') await this.#recoverCopy(step.copy, step.fault)
    else if (step.do === 'copy database') await this.#copy()
    else if (step.do === 'restore copy') await this.#restore()
    else this.#current = this.#current === 'A' ? 'B' : 'A'
  }

  /** Lets both programs die and delivers what they left; batches tried on one database wait until it is there. */
  async deliverAll(): Promise<void> {
    for (const program of [0, 1]) this.#crash(program)
    for (const name of ['A', 'B', 'A'] as const) {
      this.#current = name
      await this.#recover(2, 'none')
    }
    for (const copy of [0, 1]) await this.#recoverCopy(copy, 'none')
    const { waiting, unreadable } = await inspectDataDir(this.#dataDir)
    const left = waiting.reduce((sum, batch) => sum + rangeOf(batch).to - rangeOf(batch).from, 0)
    if (left > 0 || unreadable.length > 0)
      throw new Error(`Left behind: ${left} requests, ${unreadable.join()}`)
  }

  /** What was added of each unit, by row. */
  addedQuantities(): Record<string, { requests: number; quantity: number }> {
    return Object.fromEntries(this.#addedQuantities)
  }

  /** The same of all batches that any database ever committed, each batch once. */
  committedQuantities(): Record<string, { requests: number; quantity: number }> {
    return Object.fromEntries(this.#committedQuantities)
  }

  /** The same as the table has it. */
  async storedQuantities(
    name: DatabaseName,
  ): Promise<Record<string, { requests: number; quantity: number }>> {
    const db = await openDatabase(`sqlite:${this.#path(name)}`)
    const rows = await db.query<Row & { unit: string; quantity: number }>(
      'select * from api_key_analytics_quantities',
    )
    await db.close()
    return Object.fromEntries(
      rows.map((row) => [
        `${rowName(row.api_key_id, row.bucket, row.endpoint)} ${row.unit}`,
        { requests: row.request_count, quantity: row.quantity },
      ]),
    )
  }

  /** What a database has to say of each unit: the same as of requests, summed up over its instances. */
  expectedUnits(name: DatabaseName): { unit: string; delivered: bigint; missing: bigint }[] {
    const instances = [...Map.groupBy(this.#logs[name], ({ instance }) => instance).values()]
    return UNITS.toSorted().map((unit) => {
      let [delivered, counted] = [0, 0]
      for (const batches of instances) {
        const totals = batches.map(({ units }) => units!.totals.find((total) => total.unit === unit)!)
        delivered += totals.reduce((sum, { quantity }) => sum + quantity, 0)
        counted += totals.at(-1)!.before + totals.at(-1)!.quantity
      }
      return { unit, delivered: BigInt(delivered), missing: BigInt(counted - delivered) }
    })
  }

  /** What was counted, by row. */
  added(): Record<string, { requests: number; durationUs: number }> {
    return Object.fromEntries(this.#added)
  }

  /** Requests by row and by bin that were counted. */
  addedBins(): Record<string, Record<number, number>> {
    return Object.fromEntries(this.#addedBins)
  }

  /** Requests by row and by bin of all batches that any database ever committed, each batch once. */
  committedBins(): Record<string, Record<number, number>> {
    return Object.fromEntries(this.#committedBins)
  }

  /** Requests by row and by bin that the table holds. */
  async storedBins(name: DatabaseName): Promise<Record<string, Record<number, number>>> {
    const db = await openDatabase(`sqlite:${this.#path(name)}`)
    const rows = await db.query<BinsRow>('select * from api_key_analytics')
    await db.close()
    const stored: BinsByRow = new Map()
    for (const row of rows) {
      const bins = toSparseBins(JSON.parse(row.duration_bins) as number[], row.duration_first_bin)
      for (let index = 0; index < bins.length; index += 2) {
        addToBin(stored, rowName(row.api_key_id, row.bucket, row.endpoint), bins[index]!, bins[index + 1]!)
      }
    }
    return Object.fromEntries(stored)
  }

  /** What the table holds, by row. */
  async rows(name: DatabaseName): Promise<Record<string, { requests: number; durationUs: number }>> {
    const db = await openDatabase(`sqlite:${this.#path(name)}`)
    const rows = await db.query<Row>('select * from api_key_analytics')
    await db.close()
    return Object.fromEntries(
      rows.map((row) => [
        rowName(row.api_key_id, row.bucket, row.endpoint),
        { requests: row.request_count, durationUs: row.duration_us },
      ]),
    )
  }

  async account(name: DatabaseName): Promise<VerifyResult> {
    const db = await openDatabase(`sqlite:${this.#path(name)}`)
    const result = await verifyUsage(db)
    await db.close()
    return result
  }

  /**
   * What a database has to say of each instance: delivered is what it committed and still knows of; missing is what
   * the instance had counted by its last batch there and this database does not hold.
   */
  expectedInstances(name: DatabaseName): InstanceTotals[] {
    return [...Map.groupBy(this.#logs[name], ({ instance }) => instance)].map(([instance, batches]) => {
      const deliveredRequests = batches.reduce((sum, { requestCount }) => sum + requestCount, 0)
      const last = batches.at(-1)!
      const missingRequests = last.countedBefore + last.requestCount - deliveredRequests
      return { instance, deliveredRequests, missingRequests }
    })
  }

  /** Requests of all batches that any database ever committed, each batch once. */
  committedRequests(): number {
    return [...this.#committed.values()].reduce((sum, requests) => sum + requests, 0)
  }

  async close(): Promise<void> {
    for (const program of this.#programs) program.crash()
    for (const name of NAMES) await this.#stores[name].close()
  }

  get #dataDir(): string {
    return join(this.#home, 'data')
  }

  #path(name: string): string {
    return join(this.#home, `${name}.db`)
  }

  #open(name: DatabaseName): DatabaseStore {
    return new DatabaseStore({ url: `sqlite:${this.#path(name)}`, pepperCheck: '' })
  }

  #start(): CountingProcess {
    const now = () => this.#now
    const store = this.#faultyStore()
    return startCounting({
      dataDir: this.#dataDir,
      store,
      now,
      mapped: this.#mapped,
      firstSlots: FIRST_SLOTS,
      units: UNITS,
    })
  }

  #crash(program: number): void {
    this.#programs[program]!.crash()
    this.#programs[program] = this.#start()
    this.#enterBucket(program)
  }

  #seal(program: number): void {
    this.#followClock(program)
    this.#programs[program]!.buffer.seal()
  }

  /** The rule of the buckets, said once more: a step back of less than a minute stays in the open one. */
  #followClock(program: number): void {
    const bucket = this.#buckets[program]!
    if (this.#now >= bucket + BUCKET_MS || this.#now < bucket - 60_000) this.#enterBucket(program)
  }

  #enterBucket(program: number): void {
    this.#buckets[program] = Math.floor(this.#now / BUCKET_MS) * BUCKET_MS
  }

  #count(program: number, endpoint: string, times: number): void {
    const key = `key ${endpoint.length % 3}`
    this.#followClock(program)
    for (let time = 0; time < times; time += 1) {
      const durationUs = endpoint.length * 100 * 2 ** (this.addedRequests % 4)
      // some requests have no unit, some one, some both, some of them 0
      const tokens = this.addedRequests % 3 === 0 ? UNSET : this.addedRequests % 5
      const rows = endpoint.length % 2 === 0 ? UNSET : 10
      this.#programs[program]!.count(key, endpoint, 200, durationUs, new Float64Array([tokens, rows]))
      const name = rowName(keyIdOf(key), this.#buckets[program]!, endpoint)
      if (tokens !== UNSET) addQuantity(this.#addedQuantities, `${name} tokens`, 1, tokens)
      if (rows !== UNSET) addQuantity(this.#addedQuantities, `${name} rows`, 1, rows)
      addToBin(this.#addedBins, name, binOf(durationUs), 1)
      const before = this.#added.get(name) ?? { requests: 0, durationUs: 0 }
      this.#added.set(name, { requests: before.requests + 1, durationUs: before.durationUs + durationUs })
      this.addedRequests += 1
    }
  }

  /** More of a unit for a request that was counted before; every other time the first that it has. */
  #addLate(program: number, endpoint: string, unit: number, quantity: number): void {
    const key = `key ${endpoint.length % 3}`
    this.#followClock(program)
    const isFirst = quantity % 2 === 0
    this.#programs[program]!.addQuantity(key, endpoint, unit, quantity, isFirst)
    const name = `${rowName(keyIdOf(key), this.#buckets[program]!, endpoint)} ${UNITS[unit]}`
    addQuantity(this.#addedQuantities, name, isFirst ? 1 : 0, quantity)
  }

  /** Enough long names to use up the names region of a small file, but for its slots. */
  #fillNames(program: number): void {
    this.#names += 1
    for (let index = 0; index < 20; index += 1) {
      this.#count(program, `/${this.#names}/${index}/${'ä'.repeat(240)}`, 1)
    }
  }

  async #flush(program: number, fault: Fault): Promise<void> {
    this.#fault = fault
    this.#followClock(program)
    // refused is an answer too: the batch waits
    await this.#programs[program]!.flush().catch(rethrowUnexpected)
    this.#fault = 'none'
  }

  async #recover(at: 1 | 2, fault: Fault, dataDir = this.#dataDir): Promise<void> {
    this.#fault = fault
    const recoverer = async () => {
      const store = this.#faultyStore()
      await deliverDataDir({ dataDir, store, adopt: false, report: rethrowUnexpected })
    }
    const recoverers = Array.from({ length: at }, () => recoverer().catch(rethrowUnexpected))
    await Promise.all(recoverers)
    this.#fault = 'none'
  }

  #copyPath(copy: number): string {
    return join(this.#home, `data-copy-${copy}`)
  }

  /** As a backup or a clone of the machine's disk does, in the place of the copy made before. */
  #copyFolder(copy: number): void {
    rmSync(this.#copyPath(copy), { recursive: true, force: true })
    cpSync(this.#dataDir, this.#copyPath(copy), { recursive: true })
  }

  /** The copy is delivered where it lies; what was not delivered of it stays, and comes again. */
  async #recoverCopy(copy: number, fault: Fault): Promise<void> {
    if (existsSync(this.#copyPath(copy))) await this.#recover(1, fault, this.#copyPath(copy))
  }

  async #copy(): Promise<void> {
    const name = this.#current
    await this.#stores[name].close()
    copyFileSync(this.#path(name), this.#path(`${name}-copy`))
    this.#copies[name] = this.#logs[name]
  }

  async #restore(): Promise<void> {
    const name = this.#current
    const log = this.#copies[name]
    if (!log) return
    await this.#stores[name].close()
    rmSync(this.#path(name))
    if (existsSync(`${this.#path(name)}-wal`)) throw new Error('the copy would miss what is in the log')
    copyFileSync(this.#path(`${name}-copy`), this.#path(name))
    this.#logs[name] = log
  }

  /** The store of whatever database is the current one, with the fault that the step asks for, once. */
  #faultyStore(): UsageStore {
    return {
      // one URL, behind which databases are exchanged
      connect: async () => ({ ...(await this.#stores[this.#current].connect()), databaseLabel: TEST_TARGET }),
      recordBatch: async (batch) => {
        const fault = this.#fault
        this.#fault = 'none'
        if (fault === 'before commit') throw lostConnection()
        const result = await this.#stores[this.#current].recordBatch(batch)
        if (result === 'applied') {
          // a restored database has forgotten batches, and is sent them again
          const again = this.#committed.has(`${this.#current} ${batch.instance} ${batch.sequence}`)
          this.#note(this.#current, batch)
          if (!again) await this.#noteBins(batch)
        }
        if (fault === 'after commit') throw lostConnection()
        return result
      },
      findKnownKeys: async () => [],
      findQuotas: async () => NO_QUOTAS,
      registerRoutes: async () => {},
      findDeprecations: async () => [],
      close: async () => {},
    }
  }

  #note(name: DatabaseName, { instance, sequence, countedBefore, requestCount, units }: Batch): void {
    this.#logs[name] = [...this.#logs[name], { instance, sequence, countedBefore, requestCount, units }]
    const other = name === 'A' ? 'B' : 'A'
    const batch = `${instance} ${sequence}`
    if (this.#committed.has(`${other} ${batch}`)) throw new Error(`${batch} went to both databases`)
    this.#committed.set(`${name} ${batch}`, requestCount)
  }

  async #noteBins(batch: Batch): Promise<void> {
    for (const { keyId, endpoint, durationBins, quantities = [] } of await readRows(batch)) {
      const name = rowName(keyId, batch.bucket, endpoint)
      for (const { unit, requestCount, quantity } of quantities) {
        addQuantity(this.#committedQuantities, `${name} ${unit}`, requestCount, quantity)
      }
      for (let index = 0; index < durationBins.length; index += 2) {
        addToBin(this.#committedBins, name, durationBins[index]!, durationBins[index + 1]!)
      }
    }
  }
}

function addToBin(rows: BinsByRow, row: string, bin: number, requests: number): void {
  const bins = rows.get(row) ?? {}
  rows.set(row, { ...bins, [bin]: (bins[bin] ?? 0) + requests })
}

function addQuantity(rows: QuantitiesByRow, row: string, requests: number, quantity: number): void {
  const before = rows.get(row) ?? { requests: 0, quantity: 0 }
  rows.set(row, { requests: before.requests + requests, quantity: before.quantity + quantity })
}

interface BinsRow extends Row {
  readonly duration_first_bin: number
  readonly duration_bins: string
}

interface Row {
  readonly api_key_id: string
  readonly bucket: number
  readonly endpoint: string
  readonly request_count: number
  readonly duration_us: number
}

const rowName = (keyId: string, bucket: number, endpoint: string) => `${keyId} ${bucket} ${endpoint}`

function lostConnection(): AnalyticsError {
  return new AnalyticsError('DATABASE_UNREACHABLE', 'the wire was cut')
}

/** A lost connection and a batch that belongs to another database are what the steps ask for. */
function rethrowUnexpected(error: unknown): void {
  const code = error instanceof AnalyticsError ? error.code : 'none'
  if (!['DATABASE_UNREACHABLE', 'DATABASE_CHANGED'].includes(code)) throw error
}
