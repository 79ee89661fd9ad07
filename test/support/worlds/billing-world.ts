import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deepEqual, equal, match } from 'node:assert/strict'
import { periodAround } from '../../../src/billing/billing-period.ts'
import { checkStored } from '../../../src/billing/check/check-stored.ts'
import { closePeriod } from '../../../src/billing/close/close-period.ts'
import { openStatement, readStatement } from '../../../src/billing/statement/read-statement.ts'
import { renderStatement } from '../../../src/billing/print/render-statement.ts'
import { deliverDataDir } from '../../../src/buffer/deliver-data-dir.ts'
import type { AnalyticsError } from '../../../src/model/errors.ts'
import type { Batch } from '../../../src/model/batch.ts'
import type { StatementDocument } from '../../../src/model/statement.ts'
import { nameKey } from '../../../src/store/keys/name-key.ts'
import { renameOwner } from '../../../src/store/keys/rename-owner.ts'
import { anonymise } from '../../../src/store/remove/anonymise.ts'
import { forgetKey } from '../../../src/store/remove/forget-key.ts'
import { forgetOwner } from '../../../src/store/remove/forget-owner.ts'
import { pruneUsage } from '../../../src/store/remove/prune-usage.ts'
import { rollUpUsage } from '../../../src/store/remove/roll-up-usage.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import type { UsageStore } from '../../../src/store/usage-store.ts'
import { verifyUsage } from '../../../src/store/verify/verify-usage.ts'
import { recordBatch } from '../../../src/store/write/record-batch.ts'
import { TouchedKeys } from '../../../src/store/write/touched-keys.ts'
import { dumpTables, loadTables } from '../databases/copy-tables.ts'
import { startCounting } from '../usage/counting-process.ts'
import type { TableCopy } from '../databases/copy-tables.ts'
import { keyIdOf, makeBatch } from '../usage/make-batch.ts'

const HOUR_MS = 3_600_000
/** Clocks go back in Berlin and Beirut two days later, in New York and Havana on the last day; or forward. */
export const SEASONS = { autumn: Date.UTC(2026, 9, 23), spring: Date.UTC(2026, 2, 27) }
export const HOURS = 24 * 10
export const KEYS = ['a', 'b', 'c']
export const OWNERS = ['Acme', 'Beta', 'Ünal & Söhne']
export const ENDPOINTS = ['/', '/users/:id']
export const STATUSES = [200, 204, 304, 500]
const UNITS = ['requests', 'tokens']
export const BILLABLE = [['2xx'], ['2xx', '304'], ['204']]

export type BillingStep =
  | { do: 'flush' | 'hold back'; instance: number; hour: number; cells: Cell[]; owner: string | null }
  | { do: 'adopt'; hour: number; cells: Cell[] }
  | { do: 'close'; hour: number; unit: 'day' | 'week'; billable: string[]; guess: number; clock: number }
  | { do: 'prune' | 'roll up'; hour: number; key: string | null }
  | { do: 'forget key' | 'anonymise key'; key: string }
  | { do: 'forget owner' | 'anonymise owner'; owner: string }
  | { do: 'own'; key: string; owner: string; hour: number }
  | { do: 'rename'; owner: string; name: string }
  | { do: 'back up' | 'restore' | 'new instance' | 'deliver late' }

interface Cell {
  key: string
  endpoint: string
  status: number
  requests: number
  tokens: number
}

/** A count of the model, by unit; `bucket` is its hour, or its day after a roll-up. */
interface Count extends Pick<Cell, 'key' | 'endpoint' | 'status'> {
  bucket: number
  wide: boolean
  unit: string
  quantity: number
}

interface HeldBatch {
  readonly batch: Batch
  readonly counts: readonly Count[]
}

interface ModelPeriod {
  number: number
  since: number
  until: number
  billable: string[]
  /** Billed and removed so far, by key and endpoint. */
  billed: Map<string, number>
  removed: Map<string, number>
}

/** What the database should hold; copied and put back with a backup. */
interface Model {
  counts: Count[]
  periods: ModelPeriod[]
  ledger: Map<string, { delivered: number; missing: number; tokens: number; missingTokens: number }>
  /** Missing at the last closing, by instance and unit. */
  accepted: Map<string, number>
  /** What statements printed, without names, when they were made. */
  printed: Map<number, string>
}

const emptyModel = (): Model => ({
  counts: [],
  periods: [],
  ledger: new Map(),
  accepted: new Map(),
  printed: new Map(),
})

/** A database and a model of what its statements must say, side by side. */
export class BillingWorld {
  readonly #db: Database
  readonly #databaseId: string
  readonly #store: UsageStore
  readonly #timeZone: string
  readonly #first: number
  /** After every period. A clock that jumps back makes the period one that is not over. */
  readonly #now: Date
  readonly #touched = new TouchedKeys()
  readonly #instances = [0, 1].map(() => ({ id: randomUUID() as string, sequence: 0, counted: 0, tokens: 0 }))
  /** Batches of machines that cannot reach the database. */
  readonly #heldBack: HeldBatch[] = []
  #model = emptyModel()
  #backup: { copy: TableCopy; model: Model } | undefined
  /** How often each outcome was met, so that a test knows that it tests anything. */
  readonly seen: Record<string, number> = {}

  /** `store` is another connection to the database `db`. */
  constructor(
    { db, store, databaseId }: { db: Database; store: UsageStore; databaseId: string },
    { timeZone, season }: { timeZone: string; season: keyof typeof SEASONS },
  ) {
    this.#db = db
    this.#store = store
    this.#databaseId = databaseId
    this.#timeZone = timeZone
    this.#first = SEASONS[season]
    this.#now = new Date(this.#first + 40 * 24 * HOUR_MS)
  }

  async take(step: BillingStep): Promise<void> {
    this.#note(step.do)
    const db = this.#db
    if (step.do === 'flush' || step.do === 'hold back') return this.#flush(step)
    if (step.do === 'deliver late') return this.#deliver(this.#heldBack.shift())
    if (step.do === 'close') return this.#close(step)
    if (step.do === 'adopt') return this.#adopt(step)
    if (step.do === 'prune' || step.do === 'roll up') return this.#prune(step)
    if (step.do === 'forget key') {
      await forgetKey(db, keyIdOf(step.key))
      this.#remove(({ key }) => key === step.key)
    } else if (step.do === 'forget owner') {
      await forgetOwner(db, step.owner)
      // which rows belonged to the owner is tested elsewhere: what is gone is read from the database
      await this.#removeWhatIsGone()
    } else if (step.do === 'anonymise key') await anonymise(db, { keyId: keyIdOf(step.key) })
    else if (step.do === 'anonymise owner') await anonymise(db, { owner: step.owner })
    else if (step.do === 'rename') await renameOwner(db, step.owner, step.name)
    else if (step.do === 'own') {
      // an unknown key cannot be named
      const from = new Date(this.#first + step.hour * HOUR_MS)
      await nameKey(db, keyIdOf(step.key), { owner: step.owner, from }, this.#now.getTime()).catch(() => {})
    } else if (step.do === 'back up') {
      this.#backup = { copy: await dumpTables(db), model: structuredClone(this.#model) }
    } else if (step.do === 'restore' && this.#backup) {
      await loadTables(db, this.#backup.copy)
      this.#model = structuredClone(this.#backup.model)
      this.#touched.forget()
    } else if (step.do === 'new instance') {
      Object.assign(this.#instances[0]!, { id: randomUUID(), sequence: 0, counted: 0, tokens: 0 })
    }
  }

  async #flush({
    do: what,
    instance: which,
    hour,
    cells,
    owner,
  }: BillingStep & { do: 'flush' | 'hold back' }): Promise<void> {
    const instance = this.#instances[which]!
    const bucket = this.#first + hour * HOUR_MS
    const requests = cells.reduce((sum, cell) => sum + cell.requests, 0)
    const batch = makeBatch({
      instance: instance.id,
      sequence: (instance.sequence += 1),
      countedBefore: instance.counted,
      bucket,
      sealedAt: bucket + 1000,
      quantitiesBefore: { tokens: instance.tokens },
      rows: cells.map(({ key, endpoint, status, requests: requestCount, tokens: quantity }) => ({
        key,
        endpoint,
        status,
        requestCount,
        ...(quantity > 0 && { quantities: [{ unit: 'tokens', requestCount: 1, quantity }] }),
      })),
      identities: Object.fromEntries(cells.map(({ key }) => [key, { owner }])),
    })
    instance.counted += requests
    instance.tokens += cells.reduce((sum, cell) => sum + cell.tokens, 0)
    const held = { batch, counts: cells.flatMap((cell) => countsOf(cell, bucket)) }
    if (what === 'hold back') this.#heldBack.push(held)
    else await this.#deliver(held)
  }

  /** Delivers a batch: the next one of its instance, one after a gap, or one that fills a gap. */
  async #deliver(held: HeldBatch | undefined): Promise<void> {
    if (!held) return
    const { batch, counts } = held
    const ledger = this.#model.ledger.get(batch.instance) ?? {
      delivered: 0,
      missing: 0,
      tokens: 0,
      missingTokens: 0,
    }
    const gap = batch.countedBefore - ledger.delivered - ledger.missing
    await recordBatch(this.#db, batch, { databaseId: this.#databaseId, touched: this.#touched })
    ledger.missing += gap >= 0 ? gap : -batch.requestCount
    ledger.delivered += batch.requestCount
    const tokens = sumUnit(counts, 'tokens')
    const before = batch.units?.totals.find(({ unit }) => unit === 'tokens')?.before
    if (gap < 0) ledger.missingTokens -= tokens
    else if (before !== undefined) ledger.missingTokens = before - ledger.tokens
    ledger.tokens += tokens
    this.#model.ledger.set(batch.instance, ledger)
    this.#model.counts.push(...structuredClone(counts))
  }

  /** `flush --adopt`: counts of a dead process that were meant for another database. */
  async #adopt({ hour, cells }: BillingStep & { do: 'adopt' }): Promise<void> {
    const bucket = this.#first + hour * HOUR_MS
    const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-adopt-'))
    const parts = { dataDir, store: this.#store, target: 'another database', units: ['tokens'] }
    const counting = startCounting({ ...parts, now: () => bucket + 1000 })
    for (const { key, endpoint, status, requests, tokens } of cells) {
      for (let n = 0; n < requests; n++) {
        const quantities = n === 0 && tokens > 0 ? new Float64Array([tokens]) : undefined
        counting.count(key, endpoint, status, 1000, quantities)
      }
    }
    counting.crash()
    const reported: string[] = []
    const report = ({ code }: AnalyticsError) => void reported.push(code)
    const kept = await deliverDataDir({ dataDir, store: this.#store, adopt: false, report })
    deepEqual({ ...kept, reported }, { requests: 0, batches: 0, reported: ['DATABASE_CHANGED'] })
    const adopted = await deliverDataDir({ dataDir, store: this.#store, adopt: true, report })
    rmSync(dataDir, { recursive: true })
    const counts = cells.flatMap((cell) => countsOf(cell, bucket))
    equal(adopted.requests, sumUnit(counts, 'requests'))
    const ledger = {
      delivered: adopted.requests,
      missing: 0,
      tokens: sumUnit(counts, 'tokens'),
      missingTokens: 0,
    }
    this.#model.ledger.set(randomUUID(), ledger)
    this.#model.counts.push(...counts)
  }

  async #close({ hour, unit, billable, guess, clock }: BillingStep & { do: 'close' }): Promise<void> {
    const period = periodAround(new Date(this.#first + hour * HOUR_MS), unit, this.#timeZone)
    const [since, until] = [period.since.getTime(), period.until.getTime()]
    const { periods, ledger, accepted } = this.#model
    const missingNow = new Map(
      [...ledger].flatMap(([id, state]) => [
        [`${id} requests`, state.missing] as const,
        [`${id} tokens`, state.missingTokens] as const,
      ]),
    )
    const missing = UNITS.flatMap((of): [string, number][] => {
      const ofUnit = [...missingNow].filter(([name]) => name.endsWith(` ${of}`))
      const more = total(ofUnit.map(([name, quantity]) => Math.max(0, quantity - (accepted.get(name) ?? 0))))
      return more > 0 ? [[of, more]] : []
    })
    // a wrong guess is one of requests or of tokens
    const wrong = guess === 0 ? [] : [[UNITS[guess % 2]!, guess] as [string, number]]
    const acceptMissing = Object.fromEntries(
      UNITS.flatMap((of) => {
        const sum = total([...missing, ...wrong].map(([unit, quantity]) => (unit === of ? quantity : 0)))
        return sum > 0 ? [[of, BigInt(sum)]] : []
      }),
    )
    const now = clock === 0 ? this.#now : new Date(until - clock)
    const before = await dumpTables(this.#db)
    const dry = await closePeriod(this.#db, '/nowhere', {
      period,
      billable,
      acceptMissing,
      now,
      dryRun: true,
    }).catch(toError)
    deepEqual(await dumpTables(this.#db), before)
    const made = await closePeriod(this.#db, '/nowhere', { period, billable, acceptMissing, now }).catch(
      toError,
    )
    const isOverlapping = periods.some((one) => one.since < until && one.until > since)
    const isEarlierOpen = this.#model.counts.some(
      ({ bucket }) => bucket < since && !periods.some((one) => one.since <= bucket && bucket < one.until),
    )
    if (made instanceof Error) {
      this.#note('refused')
      equal(made.code, 'CLOSE_REFUSED')
      deepEqual(await dumpTables(this.#db), before)
      const reasons =
        /closed already|overlaps|is not over|in no closed period|border|two owners|missing|never arrived/
      match(made.message, reasons)
      if (made.message.includes('crosses') || made.message.includes('cross ')) this.#note('refused: border')
      return
    }
    this.#note('closed')
    deepEqual(
      { isOverlapping, isEarlierOpen, guess, clock },
      {
        isOverlapping: false,
        isEarlierOpen: false,
        guess: 0,
        clock: 0,
      },
    )
    const number = periods.length + 1
    periods.push({ number, since, until, billable, billed: new Map(), removed: new Map() })
    const expected = this.#billDue(number)
    const document = await readStatement(this.#db, number)
    deepEqual(sumLines(document), expected)
    // nobody takes rows away by hand here
    for (const line of document.accounts.flatMap(({ lines }) => lines)) equal(Number(line.quantity) > 0, true)
    const { statement, totals } = made
    equal((dry as typeof made).statement.lineCount, statement.lineCount)
    const corrected = periods.filter(
      (one) =>
        one.number !== number && [...expected.keys()].some((name) => name.startsWith(`${one.number} `)),
    )
    for (const of of UNITS) {
      equal(totals.usage[of] ?? '0', String(sumOf(expected, number, of)))
      deepEqual(
        totals.corrections.map((one) => [one.statement, one.quantities[of] ?? '0']),
        corrected.map((one) => [one.number, String(sumOf(expected, one.number, of))]),
      )
    }
    if (totals.corrections.length > 0) this.#note('corrected')
    for (const [of] of missing) this.#note(`missing ${of}`)
    deepEqual(totals.acceptedMissing, Object.fromEntries(missing.map(([of, more]) => [of, String(more)])))
    this.#model.accepted = missingNow
    this.#model.printed.set(number, await this.#print(number))
  }

  /** What the next statement bills, by period, key and endpoint; it is billed then. */
  #billDue(number: number): Map<string, number> {
    const due = new Map<string, number>()
    for (const period of this.#model.periods) {
      for (const [name, quantity] of this.#dueOf(period)) {
        if (quantity === 0) continue
        due.set(`${period.number} ${name}`, quantity)
        add(period.billed, name, quantity)
      }
    }
    equal(number, this.#model.periods.length)
    return due
  }

  #dueOf(period: ModelPeriod): Map<string, number> {
    const due = new Map(period.removed)
    for (const count of this.#model.counts) {
      if (isBilledIn(period, count)) add(due, nameOf(count), count.quantity)
    }
    for (const [name, quantity] of period.billed) add(due, name, -quantity)
    return due
  }

  async #prune(step: BillingStep & { do: 'prune' | 'roll up' }): Promise<void> {
    const before = new Date(this.#first + step.hour * HOUR_MS)
    const keyId = step.key === null ? undefined : keyIdOf(step.key)
    if (step.do === 'roll up') {
      await rollUpUsage(this.#db, { before, keyId })
      return this.#readRows()
    }
    await pruneUsage(this.#db, { before, ...(keyId !== undefined && { keyIds: [keyId] }) })
    this.#remove(
      (count) =>
        (step.key === null || count.key === step.key) &&
        count.bucket + (count.wide ? 24 : 1) * HOUR_MS <= before.getTime(),
    )
  }

  /** Takes rows out of the model, and remembers what closed periods held of them. */
  #remove(isGone: (count: Count) => boolean): void {
    const gone = this.#model.counts.filter(isGone)
    this.#model.counts = this.#model.counts.filter((count) => !isGone(count))
    for (const count of gone) {
      const period = this.#model.periods.find((one) => isBilledIn(one, count))
      if (period) add(period.removed, nameOf(count), count.quantity)
    }
  }

  async #removeWhatIsGone(): Promise<void> {
    const left = new Set((await this.#readCells()).map(placeOf))
    this.#remove((count) => !left.has(placeOf(count)))
  }

  /** After a roll-up: the same requests, in the rows that there are now, none of which may leave its period. */
  async #readRows(): Promise<void> {
    const before = this.#sumByPeriod()
    this.#model.counts = await this.#readCells()
    deepEqual(this.#sumByPeriod(), before)
  }

  #sumByPeriod(): Record<string, number> {
    const sums = new Map<string, number>()
    for (const count of this.#model.counts) {
      const period = this.#model.periods.find(
        ({ since, until }) => since <= count.bucket && count.bucket < until,
      )
      add(sums, `${period?.number} ${nameOf(count)} ${count.status}`, count.quantity)
    }
    return Object.fromEntries([...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  async #readCells(): Promise<Count[]> {
    const names = new Map(KEYS.map((key) => [keyIdOf(key), key]))
    const columns = `api_key_id as key, ${this.#db.dialect.millisecondsOf('bucket')} as bucket, bucket_minutes, endpoint, status`
    const rows = await this.#db.query<Record<string, string | number>>(
      `select ${columns}, 'requests' as unit, request_count as quantity from api_key_analytics
union all
select ${columns}, unit, quantity from api_key_analytics_quantities`,
    )
    return rows.map((row) => ({
      key: names.get(String(row['key']))!,
      bucket: Number(row['bucket']),
      wide: Number(row['bucket_minutes']) === 1440,
      endpoint: String(row['endpoint']),
      status: Number(row['status']),
      unit: String(row['unit']),
      quantity: Number(row['quantity']),
    }))
  }

  /** What must hold at every moment. */
  async check(): Promise<void> {
    const { periods, counts, ledger, printed } = this.#model
    const { balanced, billing } = await verifyUsage(this.#db)
    equal(balanced, true)
    deepEqual((await checkStored(this.#db)).findings, [])
    for (const [number, text] of printed) equal(await this.#print(number), text)
    if (periods.length === 0) return equal(billing, undefined)
    const open = counts.filter(
      ({ bucket }) => !periods.some(({ since, until }) => since <= bucket && bucket < until),
    )
    const expected = UNITS.map((unit) => {
      const delivered = total(
        [...ledger.values()].map((state) => (unit === 'tokens' ? state.tokens : state.delivered)),
      )
      const billed = total(periods.map((period) => ofUnit(period.billed, unit)))
      const due = total(periods.map((period) => ofUnit(this.#dueOf(period), unit)))
      const notBilledYet = due + sumUnit(open, unit)
      return {
        unit,
        delivered: String(delivered),
        billed: String(billed),
        notBilledYet: String(notBilledYet),
        notBillable: String(delivered - billed - notBilledYet),
      }
    })
    // a unit that no instance ever counted is in no account
    deepEqual(
      billing!.units,
      expected.filter(({ unit }) => billing!.units.some((one) => one.unit === unit) || unit === 'requests'),
    )
    for (const { unit, delivered } of expected) {
      if (delivered !== '0')
        equal(
          billing!.units.some((one) => one.unit === unit),
          true,
        )
    }
    deepEqual(billing!.faults, [])
  }

  /** A statement as JSON, without the names, which may be blanked later. */
  async #print(number: number): Promise<string> {
    const source = await openStatement(this.#db, number)
    const text = (await Array.fromAsync(renderStatement(source, 'json'))).join('')
    return text.replaceAll(/"label":.*?"hash"/g, '"hash"')
  }

  #note(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1
  }
}

function isBilledIn({ since, until, billable }: ModelPeriod, { bucket, status }: Count): boolean {
  const isIn = since <= bucket && bucket < until
  return isIn && billable.some((filter) => filter === String(status) || filter === `${String(status)[0]}xx`)
}

function countsOf({ requests, tokens, ...cell }: Cell, bucket: number): Count[] {
  const count = { ...cell, bucket, wide: false }
  const tokensToo = tokens > 0 ? [{ ...count, unit: 'tokens', quantity: tokens }] : []
  return [{ ...count, unit: 'requests', quantity: requests }, ...tokensToo]
}

function sumUnit(counts: readonly Count[], unit: string): number {
  return total(counts.map((count) => (count.unit === unit ? count.quantity : 0)))
}

function ofUnit(quantities: ReadonlyMap<string, number>, unit: string): number {
  return total([...quantities].map(([name, quantity]) => (name.endsWith(` ${unit}`) ? quantity : 0)))
}

function nameOf({ key, endpoint, unit }: Pick<Count, 'key' | 'endpoint' | 'unit'>): string {
  return `${key} ${endpoint} ${unit}`
}

function placeOf({ key, bucket, wide, endpoint, status, unit }: Count): string {
  return `${key} ${bucket} ${wide} ${endpoint} ${status} ${unit}`
}

function add(sums: Map<string, number>, name: string, quantity: number): void {
  sums.set(name, (sums.get(name) ?? 0) + quantity)
}

function total(quantities: Iterable<number>): number {
  return [...quantities].reduce((sum, quantity) => sum + quantity, 0)
}

function sumOf(lines: ReadonlyMap<string, number>, period: number, unit: string): number {
  const ofPeriod = [...lines].filter(([name]) => name.startsWith(`${period} `))
  return ofUnit(new Map(ofPeriod), unit)
}

function sumLines({ accounts }: StatementDocument): Map<string, number> {
  const names = new Map(KEYS.map((key) => [keyIdOf(key), key]))
  const sums = new Map<string, number>()
  for (const { keyId, lines } of accounts) {
    for (const { period, endpoint, unit, quantity } of lines) {
      add(sums, `${period} ${names.get(keyId)} ${endpoint} ${unit}`, Number(quantity))
    }
  }
  return sums
}

function toError(error: unknown): AnalyticsError {
  return error as AnalyticsError
}
