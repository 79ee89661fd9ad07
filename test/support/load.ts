import { Agent, request } from 'node:http'
import { findUsage } from '../../src/store/read/find-usage.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { randomInteger } from './random.ts'

const OPERATIONS = [
  { method: 'GET', path: '/users/7', endpoint: '/users/:id', status: 200 },
  { method: 'POST', path: '/orders', endpoint: '/orders', status: 201 },
  { method: 'GET', path: '/broken', endpoint: '/broken', status: 500 },
  { method: 'GET', path: '/nowhere', endpoint: '(unmatched)', status: 404 },
] as const
const CUSTOMERS = ['acme', 'globex', 'initech', 'umbrella', 'wayne']

type Operation = (typeof OPERATIONS)[number]

/** What clients sent and what was answered, per cell; the only truth that the counts are compared with. */
export class Tally {
  readonly #sent = new Map<string, number>()
  readonly #answered = new Map<string, number>()

  get sent(): number {
    return sum(this.#sent)
  }

  get answered(): number {
    return sum(this.#answered)
  }

  noteSent(cell: string): void {
    this.#sent.set(cell, (this.#sent.get(cell) ?? 0) + 1)
  }

  noteAnswered(cell: string): void {
    this.#answered.set(cell, (this.#answered.get(cell) ?? 0) + 1)
  }

  /** Every cell in which answered <= stored <= sent does not hold, as a sentence. */
  async findViolations(db: Database): Promise<string[]> {
    const rows = await findUsage(db, { by: ['key', 'method', 'endpoint', 'status'] })
    const stored = new Map(rows.map((row) => [cellOf(row.key!.label, row as CellName), row.requestCount]))
    return [...new Set([...this.#sent.keys(), ...stored.keys()])]
      .map((cell) => ({
        cell,
        sent: this.#sent.get(cell) ?? 0,
        answered: this.#answered.get(cell) ?? 0,
        stored: stored.get(cell) ?? 0,
      }))
      .filter(({ sent, answered, stored }) => answered > stored || stored > sent)
      .map(
        ({ cell, sent, answered, stored }) => `${cell}: sent ${sent}, answered ${answered}, stored ${stored}`,
      )
  }
}

/** Requests that go on until they are stopped or the app is gone. */
export interface Load {
  /** Resolves once so many of this load's requests were answered, or its app is gone. */
  answers(count: number): Promise<void>
  /** Sends no more; resolves when every request is answered or has failed. */
  stop(): Promise<void>
}

/** Sends requests over so many keep-alive connections, one at a time on each, until the first that fails on it. */
export function startLoad(url: string, connections: number, tally: Tally, random: () => number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const waiting: { count: number; resolve: () => void }[] = []
  let answered = 0
  const stopping = new AbortController()
  const run = async () => {
    while (!stopping.signal.aborted) {
      const customer = CUSTOMERS[randomInteger(random, 0, CUSTOMERS.length - 1)]!
      const operation = OPERATIONS[randomInteger(random, 0, OPERATIONS.length - 1)]!
      tally.noteSent(cellOf(customer, operation))
      const status = await send(agent, url, customer, operation, (status) =>
        tally.noteAnswered(cellOf(customer, { ...operation, status })),
      )
      if (!status) return
      answered += 1
      for (const { count, resolve } of waiting) if (answered >= count) resolve()
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
  customer: string,
  { method, path }: Operation,
  onStatus: (status: number) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(new URL(path, url), { method, agent, headers: { 'x-customer': customer } })
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

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0)
}
