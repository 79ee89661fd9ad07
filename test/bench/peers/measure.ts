import type { Candidate } from './candidates.ts'
import { runLoad } from './load.ts'
import type { CpuTime } from './server.ts'
import { startProcess, type StartedProcess } from './start-process.ts'
import { prepareStorage, type Services } from './storage.ts'
import { drawRequests, TRAFFICS, walkAllCells, type NextRequest, type Traffic } from './traffic.ts'

const SERVER_CORE = 0
/** A round counts only when the same app next to itself measured the same. */
const CONTROL_LIMIT = 0.03
/** What a process learns once is not its cost: every cell comes by five times, and to the bare apps as often. */
const WARM_UP_REQUESTS = 250_000
const KILL_AFTER_MS = 1500
/** Each process lives a minute and a little, so that what it does once a minute is in what is measured. */
const LIFE_MS_PER_SECOND = 6500

export interface Round {
  /** `minute` is even traffic until a minute has passed, with what happens once a minute: a flush, an export. */
  readonly traffic: Traffic | 'minute'
  /** CPU per request of the two bare apps to each other: 1 but for the noise. */
  readonly control: number
  /** CPU per request of the candidate to the mean of the two bare apps. */
  readonly ratio: number
  /** The same of its event loop alone, without its other threads. */
  readonly loopRatio: number
  /** Of the bare app, microseconds. */
  readonly bareUs: number
  readonly requests: number
  /** False when the control is off by more than 0.03. */
  readonly kept: boolean
}

export interface Measurement {
  readonly candidate: Candidate
  readonly rounds: readonly Round[]
  readonly kills: readonly Kill[]
}

/** Requests to one process until its kill: sent, answered in full, and what the product can show of them after it. */
export interface Kill {
  readonly sent: number
  readonly answered: number
  readonly stored: number
}

/** A candidate that could not be measured, and why. */
export interface Failure {
  readonly candidate: Candidate
  readonly rounds: readonly Round[]
  readonly failure: string
}

export interface Settings {
  /** Rounds, each with processes of its own. */
  readonly rounds: number
  /** Of each traffic in each round; ten of them make a minute in all. */
  readonly seconds: number
  readonly warmUpMs: number
  readonly onRound: (round: Round) => void
}

/**
 * Runs a candidate next to two bare apps on one core, in new processes for each round: two processes of the same
 * program differ by some per cent as long as they live, by where their memory lies and by what was compiled when.
 */
export async function measure(
  candidate: Candidate,
  settings: Settings,
  services: Services,
): Promise<Measurement> {
  const rounds: Round[] = []
  const kills: Kill[] = []
  for (let index = 0; index < settings.rounds; index += 1) {
    kills.push(await runProcesses(index, candidate, settings, services, rounds))
  }
  return { candidate, rounds, kills }
}

/** Measures each traffic and a whole minute, then kills the candidate under load and looks for what it counted. */
async function runProcesses(
  index: number,
  candidate: Candidate,
  settings: Settings,
  services: Services,
  rounds: Round[],
): Promise<Kill> {
  const storage = await prepareStorage(candidate, services)
  const startedAt = performance.now()
  const options = JSON.stringify({ ...candidate.options, ...storage.options })
  const servers: StartedProcess[] = []
  try {
    for (const args of [['bare'], ['bare'], [candidate.module, options]]) {
      servers.push(await startProcess('server.ts', args, SERVER_CORE))
    }
    const [, , counting] = servers as [StartedProcess, StartedProcess, StartedProcess]
    storage.onStart(counting.port)
    const load = countLoad(counting.port)
    await load.run(servers, walkAllCells(), { ms: settings.warmUpMs, requests: WARM_UP_REQUESTS })
    const keep = async (traffic: Round['traffic'], ms: number) => {
      const round = await runRound(index, traffic, ms, servers, load)
      rounds.push(round)
      settings.onRound(round)
    }
    // neither traffic always comes first
    for (const traffic of index % 2 === 0 ? TRAFFICS : TRAFFICS.toReversed()) {
      await keep(traffic, settings.seconds * 1000)
    }
    const left = startedAt + settings.seconds * LIFE_MS_PER_SECOND - performance.now()
    await keep('minute', Math.max(left, settings.seconds * 1000))
    const killed = new Promise<void>((resolve) => {
      setTimeout(() => void counting.kill().then(resolve), KILL_AFTER_MS)
    })
    const end = { ms: KILL_AFTER_MS * 4 }
    await Promise.all([killed, load.run([counting], drawRequests('uniform', settings.rounds + index), end)])
    return { ...load.total, stored: await storage.countStored() }
  } finally {
    await Promise.all(servers.map((server) => server.kill()))
    await storage.remove()
  }
}

/** Keeps the sums of what one of the servers was sent and answered. */
function countLoad(port: number) {
  const total = { sent: 0, answered: 0 }
  return {
    total,
    async run(servers: readonly StartedProcess[], next: NextRequest, end: Parameters<typeof runLoad>[2]) {
      const ports = servers.map((server) => server.port)
      const { sent, answered } = await runLoad(ports, next, end)
      const index = ports.indexOf(port)
      total.sent += sent[index]!
      total.answered += answered[index]!
      return answered[index]!
    },
  }
}

async function runRound(
  index: number,
  traffic: Round['traffic'],
  ms: number,
  servers: readonly StartedProcess[],
  load: ReturnType<typeof countLoad>,
): Promise<Round> {
  const first = index % servers.length
  const order = [...servers.slice(first), ...servers.slice(0, first)]
  const readCpu = () => Promise.all(servers.map((server) => server.ask<CpuTime>({})))
  const before = await readCpu()
  const requests = await load.run(order, drawRequests(traffic === 'minute' ? 'uniform' : traffic, index), {
    ms,
  })
  const after = await readCpu()
  const [a, b, counting] = after.map((cpu, place) => ({
    process: (cpu.process - before[place]!.process) / requests,
    loop: (cpu.loop - before[place]!.loop) / requests,
  })) as [CpuTime, CpuTime, CpuTime]
  const control = a.process / b.process
  const bareUs = (a.process + b.process) / 2
  return {
    traffic,
    control,
    ratio: counting.process / bareUs,
    loopRatio: counting.loop / ((a.loop + b.loop) / 2),
    bareUs,
    requests,
    kept: Math.abs(control - 1) <= CONTROL_LIMIT,
  }
}
