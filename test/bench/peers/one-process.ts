/**
 * What counting costs the event loop, to a per cent or two: `npm run bench:request -- [--processes 3] [--rounds 6]
 * [--seconds 40] [--warm-up 30] [--only id,…] [--against DIR]`; DIR holds another build of this package, to be measured beside it. Two processes of the same program differ by some per cent as long as they live, so
 * here two bare apps and one of each candidate live in one process and get the same requests in turn. The median turn
 * tells nothing of what happens once a minute (flushes, scrapes, exports): `npm run bench` has that.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { median } from '../time.ts'
import { CANDIDATES } from './candidates.ts'
import { installPeers } from './install-peers.ts'
import { runLoad } from './load.ts'
import type { OneProcessMessage } from './one-process-server.ts'
import { pinTo, startProcess, type StartedProcess } from './start-process.ts'
import { drawRequests, TRAFFICS, walkAllCells, type Traffic } from './traffic.ts'

const [SERVER_CORE, LOAD_CORE] = [0, 1]
/** Every key on every route, five times: what is learnt once is not measured. */
const WARM_UP_REQUESTS = 250_000
/** Those that leave the process as it is for the others. */
const COMPARABLE = [
  'apikey-analytics',
  'apikey-analytics-units',
  'empty-middleware',
  'prom-client-counter',
  'platformatic-prom-client-counter',
  'opentelemetry-key',
]

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '3' },
    // each begins with another app, so that none always comes after the same one
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '40' },
    'warm-up': { type: 'string', default: '30' },
    only: { type: 'string', default: COMPARABLE.join() },
    against: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const wanted = values.only.split(',')
const chosen = CANDIDATES.filter(({ id }) => wanted.includes(id) && COMPARABLE.includes(id))
if (chosen.length < wanted.length) throw new Error(`--only: some of ${COMPARABLE.join()}.`)
if (values.against !== undefined) {
  const ours = CANDIDATES.find(({ id }) => id === 'apikey-analytics')!
  chosen.push({
    ...ours,
    name: `apikey-analytics in ${values.against}`,
    options: { build: resolve(values.against) },
  })
}
const names = ['bare app, again', ...chosen.map(({ name }) => name)]

installPeers(chosen)
pinTo(LOAD_CORE)
const collector = await startProcess('collector.ts', [], LOAD_CORE)
const ratios = new Map<string, number[]>()
try {
  for (let index = 0; index < Number(values.processes); index += 1) {
    for (const [row, ratio] of await measureProcess()) ratios.set(row, [...(ratios.get(row) ?? []), ratio])
  }
} finally {
  await collector.kill()
}
for (const [row, all] of ratios) {
  say(`${row}: ${show(median(all))} [${show(Math.min(...all))} to ${show(Math.max(...all))}]`)
}

/** @returns by traffic and candidate, the CPU of its requests to that of bare ones */
async function measureProcess(): Promise<Map<string, number>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'apikey-analytics-bench-'))
  const collectorUrl = `http://127.0.0.1:${collector.port}`
  // a folder for each: another build may have other tables
  const installed = chosen.map(({ module, options }, index) => ({
    module,
    options: { ...options, dataDir: join(dataDir, String(index)), collectorUrl },
  }))
  const server = await startProcess('one-process-server.ts', [JSON.stringify(installed)], SERVER_CORE)
  try {
    const { ports } = await server.ask<OneProcessMessage>({})
    for (const port of ports.slice(1)) {
      const ms = Number(values['warm-up']) * 1000
      await runLoad([port], walkAllCells(), { ms, requests: WARM_UP_REQUESTS })
    }
    const rows = new Map<string, number>()
    for (const traffic of TRAFFICS) {
      const measured = await measureTraffic(server, ports, traffic)
      for (const [index, ratio] of measured.entries()) rows.set(`${traffic}, ${names[index]}`, ratio)
    }
    return rows
  } finally {
    await server.kill()
    rmSync(dataDir, { recursive: true })
  }
}

/** @returns the second bare app to the first, then each candidate to the mean of both */
async function measureTraffic(
  server: StartedProcess,
  ports: readonly number[],
  traffic: Traffic,
): Promise<number[]> {
  const turns: number[][] = ports.map(() => [])
  await server.ask({})
  for (let round = 0; round < rounds; round += 1) {
    const first = round % ports.length
    const order = [...ports.slice(first), ...ports.slice(0, first)]
    const ms = (Number(values.seconds) * 1000) / rounds
    await runLoad(round % 2 === 0 ? order : order.toReversed(), drawRequests(traffic, round), { ms })
    const taken = (await server.ask<OneProcessMessage>({})).turns
    for (const [app, own] of taken.entries()) turns[app]!.push(...own)
  }
  const [first, second, ...counted] = turns.map(median) as [number, number, ...number[]]
  const bare = (first + second) / 2
  say(`${traffic}: the bare app takes ${bare.toFixed(1)} us a request, median of ${turns[0]!.length} turns`)
  return [second / first, ...counted.map((us) => us / bare)]
}

function show(ratio: number): string {
  return `${ratio.toFixed(3)}x`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
