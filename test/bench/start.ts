/**
 * What an app's first seconds cost: the longest stall of its event loop and its slowest request from `listen` to the
 * second flush, next to the bare app: `npm run bench:start -- [rounds, default 5] [flush interval, default 5000 ms]`.
 * Bare, SQLite and PostgreSQL take turns, each time as a new process with a request every 10 ms.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeDatabase, type DatabaseKind } from '../support/databases/databases.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import startSharedCluster from '../support/databases/postgres-cluster.ts'
import { KEYS, ROUTES } from './peers/sample-app.ts'
import { startProcess } from './peers/start-process.ts'
import type { StartAppMessage, StartAppOptions } from './start-app.ts'
import { median } from './time.ts'

const EVERY_MS = 10
/** One at the start, and one of the first interval. */
const FLUSHES = 2
/** What the app alone does not have may stall it so long. */
const TARGET_MS = 50
const APPS = ['bare', 'sqlite', 'postgresql'] as const

interface Start {
  readonly listenMs: number
  readonly stallMs: number
  readonly slowestMs: number
  readonly cpuMs: number
  readonly memoryMb: number
}

const rounds = Number(process.argv[2] ?? 5)
const flushIntervalMs = Number(process.argv[3] ?? 5000)
const stopCluster = await startSharedCluster()
try {
  const starts = Object.fromEntries(APPS.map((name) => [name, [] as Start[]])) as Record<string, Start[]>
  for (let round = 0; round < rounds; round += 1)
    for (const name of APPS) starts[name]!.push(await measureStart(name))
  for (const name of APPS) say(`${name}: ${describe(starts[name]!)}`)
  const stall = (name: string) => median(starts[name]!.map(({ stallMs }) => stallMs))
  for (const name of APPS.slice(1)) {
    const more = stall(name) - stall('bare')
    const verdict = more <= TARGET_MS ? 'OK' : 'TOO MUCH'
    say(`${name}: ${more.toFixed(0)} ms more than the bare app ${verdict} (target ${TARGET_MS} ms)`)
  }
} finally {
  await stopCluster()
}

async function measureStart(name: 'bare' | DatabaseKind): Promise<Start> {
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-bench-'))
  const database = name === 'bare' ? undefined : await makeDatabase(name)
  const options: StartAppOptions = { dataDir, flushIntervalMs, ...(database && { database: database.url }) }
  const startedAt = performance.now()
  const app = await startProcess('../start-app.ts', [JSON.stringify(options)], undefined)
  const listenMs = performance.now() - startedAt
  try {
    const load = startLoad(app.port)
    let state = await app.ask<StartAppMessage>({})
    const until = performance.now() + (database ? PATIENCE_MS : 1.2 * flushIntervalMs)
    while (state.flushes < FLUSHES && performance.now() < until) {
      await sleep(100)
      state = await app.ask<StartAppMessage>({})
    }
    if (database && state.flushes < FLUSHES) throw new Error(`No ${FLUSHES} flushes to ${name}.`)
    return { listenMs, stallMs: state.longestStallMs, slowestMs: await load.stop(), ...state }
  } finally {
    await app.kill()
    await database?.remove()
    rmSync(dataDir, { recursive: true })
  }
}

/** Sends a request every 10 ms, whether or not those before it were answered. */
function startLoad(port: number): { stop: () => Promise<number> } {
  const agent = new Agent({ keepAlive: true })
  const open = new Set<Promise<void>>()
  let slowestMs = 0
  let sent = 0
  const send = () => {
    const { method, example } = ROUTES[sent % ROUTES.length]!
    const headers = { 'x-api-key': KEYS[sent % KEYS.length]!.secret }
    sent += 1
    const sentAt = performance.now()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    open.add(promise)
    request({ port, host: '127.0.0.1', method, path: example, headers, agent }, (answer) => {
      slowestMs = Math.max(slowestMs, performance.now() - sentAt)
      answer.resume().once('end', resolve)
    })
      .once('error', reject)
      .end()
    void promise.finally(() => open.delete(promise))
  }
  const timer = setInterval(send, EVERY_MS)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      agent.destroy()
      return slowestMs
    },
  }
}

function describe(starts: readonly Start[]): string {
  const show = (name: keyof Start) => {
    const values = starts.map((start) => start[name])
    return `${median(values).toFixed(0)} [${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)}]`
  }
  return `listens after ${show('listenMs')} ms, longest stall ${show('stallMs')} ms, slowest request ${show('slowestMs')} ms, CPU ${show('cpuMs')} ms, ${show('memoryMb')} MB`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
