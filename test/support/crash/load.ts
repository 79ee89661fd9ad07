import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { findUsage } from '../../../src/store/read/find-usage.ts'
import type { UsageRow } from '../../../src/model/usage-row.ts'
import type { Database } from '../../../src/store/database/open-database.ts'
import { randomInteger } from '../random.ts'

const OPERATIONS = [
  { method: 'GET', path: '/users/7', endpoint: '/users/:id', status: 200 },
  { method: 'POST', path: '/orders', endpoint: '/orders', status: 201 },
  { method: 'GET', path: '/broken', endpoint: '/broken', status: 500 },
  { method: 'GET', path: '/nowhere', endpoint: '(unmatched)', status: 404 },
] as const
const CUSTOMERS = ['acme', 'globex', 'initech', 'umbrella', 'wayne']

type Operation = (typeof OPERATIONS)[number]
/** What the app adds to each request once its answer is out. */
const ROWS_PER_REQUEST = 3
const MOST_TOKENS = 9

/** What clients sent and what was answered, per cell; the only truth that the counts are compared with. */
export class Tally {
  readonly #sent = new Map<string, number>()
  readonly #answered = new Map<string, number>()
  readonly #sentTokens = new Map<string, number>()
  readonly #answeredTokens = new Map<string, number>()

  get sent(): number {
    return sum(this.#sent)
  }

  get answered(): number {
    return sum(this.#answered)
  }

  noteSent(cell: string, tokens: number): void {
    add(this.#sent, cell, 1)
    add(this.#sentTokens, cell, tokens)
  }

  noteAnswered(cell: string, tokens: number): void {
    add(this.#answered, cell, 1)
    add(this.#answeredTokens, cell, tokens)
  }

  /**
   * Where answered <= stored <= sent does not hold, for the requests or a unit of a cell, as sentences. Rows are added
   * when an answer is out: of at most `mostOpen` requests a kill came before that.
   */
  async findViolations(db: Database, mostOpen: number): Promise<string[]> {
    const rows = await findUsage(db, { by: ['key', 'method', 'endpoint', 'status'], units: true })
    const stored = new Map(rows.map((row) => [cellOf(row.key!.label, row as CellName), row]))
    const bounds = [...new Set([...this.#sent.keys(), ...stored.keys()])].flatMap((cell) => {
      const row = stored.get(cell)
      const requests = row?.requestCount ?? 0
      const [sent, answered] = [this.#sent.get(cell) ?? 0, this.#answered.get(cell) ?? 0]
      const tokens = [this.#answeredTokens.get(cell) ?? 0, this.#sentTokens.get(cell) ?? 0] as const
      return [
        { of: `${cell}, requests`, least: answered, stored: requests, most: sent },
        { of: `${cell}, tokens`, least: tokens[0], stored: quantityOf(row, 'tokens'), most: tokens[1] },
        { of: `${cell}, rows`, least: 0, stored: quantityOf(row, 'rows'), most: requests * ROWS_PER_REQUEST },
      ]
    })
    const all = rows.reduce((sum, row) => sum + quantityOf(row, 'rows'), 0)
    const least = (this.answered - mostOpen) * ROWS_PER_REQUEST
    bounds.push({ of: 'rows in all', least, stored: all, most: this.sent * ROWS_PER_REQUEST })
    return bounds
      .filter(({ least, stored, most }) => least > stored || stored > most)
      .map(({ of, least, stored, most }) => `${of}: stored ${stored}, not ${least} to ${most}`)
  }
}

/** Requests that go on until they are stopped or the app is gone. */
export interface Load {
  /** Resolves once so many of this load's requests were answered, or its app is gone. */
  answers(count: number): Promise<void>
  /** Sends no more; resolves when every request is answered or has failed. */
  stop(): Promise<void>
}

/** Requests of a connection after which it may rest. */
const BURST = 20

/**
 * Sends requests over so many keep-alive connections, one at a time on each, until the first that fails on it. With
 * `restMs` a connection rests after every burst, so that apps which are only kept busy leave CPU to others.
 */
export function startLoad(
  url: string,
  connections: number,
  tally: Tally,
  random: () => number,
  restMs = 0,
): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const waiting: { count: number; resolve: () => void }[] = []
  let answered = 0
  const stopping = new AbortController()
  const run = async () => {
    for (let sent = 1; !stopping.signal.aborted; sent += 1) {
      const customer = CUSTOMERS[randomInteger(random, 0, CUSTOMERS.length - 1)]!
      const operation = OPERATIONS[randomInteger(random, 0, OPERATIONS.length - 1)]!
      const tokens = randomInteger(random, 0, MOST_TOKENS)
      tally.noteSent(cellOf(customer, operation), tokens)
      const headers = { 'x-customer': customer, 'x-tokens': String(tokens) }
      const status = await send(agent, url, headers, operation, (status) =>
        tally.noteAnswered(cellOf(customer, { ...operation, status }), tokens),
      )
      if (!status) return
      answered += 1
      for (const { count, resolve } of waiting) if (answered >= count) resolve()
      if (restMs > 0 && sent % BURST === 0) await sleep(restMs)
    }
  }
  const ended = Promise.all(Array.from({ length: connections }, run)).then(() => agent.destroy())
  return {
    answers: (count) =>
      Promise.race([ended, new Promise<void>((resolve) => waiting.push({ count, resolve }))]),
    async stop() {
      stopping.abort()
      await ended
    },
  }
}

/** @returns false when the app went away before the whole answer was here */
function send(
  agent: Agent,
  url: string,
  headers: Readonly<Record<string, string>>,
  { method, path }: Operation,
  onStatus: (status: number) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(new URL(path, url), { method, agent, headers })
    sent.once('error', () => resolve(false))
    sent.once('response', (response) => {
      // Its head is enough: Koa sends nothing of an answer before it is counted.
      onStatus(response.statusCode!)
      response.once('error', () => resolve(false))
      response.once('end', () => resolve(true))
      response.resume()
    })
    sent.end()
  })
}

interface CellName {
  readonly method: string
  readonly endpoint: string
  readonly status: number
}

const cellOf = (customer: string, { method, endpoint, status }: CellName): string =>
  `${customer} ${method} ${endpoint} ${status}`

function quantityOf(row: UsageRow | undefined, name: string): number {
  return Number(row?.quantities?.find(({ unit }) => unit === name)?.quantity ?? 0)
}

function add(counts: Map<string, number>, cell: string, count: number): void {
  counts.set(cell, (counts.get(cell) ?? 0) + count)
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0)
}
