/**
 * Kills an app over and over and compares the counts with what its client knows, for as many rounds as wanted:
 * `npm run torture -- --rounds 1000 --database both --mode both --seed 1`. Ends with 1 at the first violation, and
 * then keeps the data folder and prints the seed.
 */
import { parseArgs } from 'node:util'
import { DATABASE_KINDS } from '../support/databases/databases.ts'
import { KillCampaign } from '../support/crash/kill-campaign.ts'
import type { Round } from '../support/crash/kill-campaign.ts'
import startSharedCluster from '../support/databases/postgres-cluster.ts'
import { seededRandom } from '../support/random.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    database: { type: 'string', default: 'both' },
    mode: { type: 'string', default: 'both' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
})
const rounds = readNumber('rounds')
const seed = readNumber('seed')
const kinds = choose('database', DATABASE_KINDS)
const modes = choose('mode', ['mapped', 'written'] as const)

const endCluster = kinds.includes('postgresql') ? await startSharedCluster() : async () => {}
const random = seededRandom(seed)
const combinations = kinds.flatMap((kind) => modes.map((mode) => ({ kind, mode, random })))
const campaigns = await Promise.all(
  combinations.map(async (options) => {
    const campaign = await KillCampaign.open(options)
    return { options, campaign, rounds: [] as Round[] }
  }),
)
print(`seed ${seed}: ${rounds} rounds, dealt out in turn to ${campaigns.length} apps`)
printRow('round', 'database', 'mode', 'kill', 'recovery', 'sent', 'answered', 'stored', 'rescued')

let violated: string | undefined
try {
  for (let number = 1; number <= rounds && !violated; number++) {
    const { campaign, options, rounds } = campaigns[(number - 1) % campaigns.length]!
    const round = await campaign.playRound()
    rounds.push(round)
    const { kill, recovery, sent, answered, stored, rescued, violations } = round
    printRow(number, options.kind, options.mode, kill, recovery, sent, answered, stored, rescued)
    if (violations.length > 0) violated = campaign.dataDir
    for (const violation of violations) print(`VIOLATION: ${violation}`)
  }
  for (const { options, rounds } of campaigns) printSum(options.kind, options.mode, rounds)
  printSum(
    'all',
    'all',
    campaigns.flatMap(({ rounds }) => rounds),
  )
} finally {
  for (const { campaign } of campaigns) await campaign.close({ keep: campaign.dataDir === violated })
  await endCluster()
}
if (violated) print(`Violated with --seed ${seed}; the data folder is kept: ${violated}`)
else print('No violation: answered <= stored <= sent in every round, and equal whenever the app was idle.')
process.exitCode = violated ? 1 : 0

function readNumber(name: 'rounds' | 'seed'): number {
  const number = Number(values[name])
  if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} takes a whole number.`)
  return number
}

function choose<Name extends string>(option: 'database' | 'mode', names: readonly Name[]): readonly Name[] {
  const chosen = names.filter((name) => values[option] === 'both' || values[option] === name)
  if (chosen.length === 0) throw new Error(`--${option} is one of ${names.join(', ')}, both.`)
  return chosen
}

function printSum(kind: string, mode: string, rounds: readonly Round[]): void {
  const total = (field: 'sent' | 'answered' | 'stored' | 'rescued') =>
    rounds.reduce((sum, round) => sum + round[field], 0)
  const idle = rounds.filter(({ kill }) => kill === 'idle').length
  const restarts = rounds.filter(({ recovery }) => recovery === 'restart').length
  const counts = (['sent', 'answered', 'stored', 'rescued'] as const).map(total)
  printRow(`= ${rounds.length}`, kind, mode, `${idle} idle`, `${restarts} restart`, ...counts)
}

function printRow(...cells: readonly (string | number)[]): void {
  print(cells.map((cell) => (typeof cell === 'number' ? String(cell) : cell).padStart(12)).join(''))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
