/**
 * What counting costs a request, next to its peers: `npm run bench -- [--rounds 3] [--seconds 10] [--only id,…]
 * [--out FILE]`. Candidate and two bare apps run at the same time on the same core and get the same requests in turn;
 * 1000 keys x 50 routes, evenly and by Zipf's law, and evenly until a minute is over. Then the candidate is killed under load. Each round has processes
 * of its own. The peers are installed below this folder, never in our own dependency tree.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startCluster } from '../../support/databases/start-cluster.ts'
import { CANDIDATES } from './candidates.ts'
import { installPeers } from './install-peers.ts'
import { measure, type Failure, type Measurement, type Round } from './measure.ts'
import { canPin, pinTo, startProcess } from './start-process.ts'
import { describeKill, renderRound, renderTable } from './table.ts'

const LOAD_CORE = 1

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '30' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
})
const wanted = values.only?.split(',')
const unknown = wanted?.filter((id) => !CANDIDATES.some((candidate) => candidate.id === id)) ?? []
if (unknown.length > 0)
  throw new Error(`--only: no "${unknown.join('", "')}" among ${CANDIDATES.map(({ id }) => id).join(', ')}`)
const chosen = CANDIDATES.filter(({ id }) => wanted?.includes(id) ?? true)

installPeers(chosen)
if (canPin) pinTo(LOAD_CORE)
else say('No taskset or one core only: nothing is tied to a core, so expect more noise.')

const cluster = chosen.some(({ database }) => database) ? await startCluster() : undefined
const collector = await startProcess('collector.ts', [], LOAD_CORE)
const measurements: (Measurement | Failure)[] = []
try {
  for (const candidate of chosen) {
    say(candidate.name)
    const rounds: Round[] = []
    const settings = {
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      warmUpMs: Number(values['warm-up']) * 1000,
      onRound: (round: Round) => {
        rounds.push(round)
        say(renderRound(round))
      },
    }
    const measurement = await measure(candidate, settings, { collector, postgresql: cluster?.url }).catch(
      (error: unknown) => ({ candidate, rounds, failure: String(error) }),
    )
    say(`  ${describeKill(measurement)}`)
    if ('failure' in measurement) process.exitCode = 1
    measurements.push(measurement)
  }
} finally {
  await collector.kill()
  await cluster?.remove()
}
const table = renderTable(measurements)
if (values.out) writeFileSync(values.out, table)
process.stdout.write(`\n${table}`)

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
