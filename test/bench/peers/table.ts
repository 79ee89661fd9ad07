import { arch, cpus, platform } from 'node:os'
import { versionOf } from './candidates.ts'
import type { Failure, Kill, Measurement, Round } from './measure.ts'
import { TRAFFICS, type Traffic } from './traffic.ts'

const HEAD = [
  '',
  'version',
  'counts per key',
  'CPU, even traffic',
  'CPU, skewed traffic',
  'all rounds together',
  'event loop alone',
  'lost by `kill -9`',
]

/** The results as a Markdown table for docs/benchmarks.md, with what is needed to read it. */
export function renderTable(measurements: readonly (Measurement | Failure)[]): string {
  const rounds = measurements.flatMap((measurement) => measurement.rounds)
  const kept = rounds.filter((round) => round.kept)
  const control = kept.map((round) => round.control)
  const rows = measurements.map((measurement, index) => [
    measurement.candidate.name + (measurement.candidate.note ? ` (${index + 1})` : ''),
    versionOf(measurement.candidate),
    measurement.candidate.perKey ? 'yes' : 'no',
    ...TRAFFICS.map((traffic) => spread(ofTraffic(measurement.rounds, traffic).map(({ ratio }) => ratio))),
    describeAll(measurement.rounds),
    TRAFFICS.map((traffic) => describeLoop(ofTraffic(measurement.rounds, traffic))).join(', '),
    describeLoss(measurement),
  ])
  const controls = TRAFFICS.map((traffic) => spread(ofTraffic(rounds, traffic).map(({ control }) => control)))
  const bare = ['bare app, next to itself', '-', '-', ...controls, '-', '-', '-']
  const table = [HEAD, HEAD.map(() => '---'), bare, ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  const notes = measurements.flatMap(({ candidate }, index) =>
    candidate.note ? [`(${index + 1}) ${candidate.note}`] : [],
  )
  return [
    ...table,
    '',
    `CPU of the process per request relative to the bare app: median of the rounds [least-most]. All rounds together: their sum over that of the bare app, discarded rounds too, so that it holds what happens only now and then: a flush, a scrape, an export. The event loop alone, for even and skewed traffic: the share that requests wait for. The bare app takes ${median(kept.map(({ bareUs }) => bareUs)).toFixed(0)} us per request. ${kept.length} of ${rounds.length} rounds kept, control ${spread(control)}. ${machine()}`,
    ...notes,
    '',
  ].join('\n')
}

/** One round, for the log. */
export function renderRound({ traffic, control, ratio, loopRatio, bareUs, requests, kept }: Round): string {
  const figures = `${ratio.toFixed(3)}x (event loop ${loopRatio.toFixed(3)}x), control ${control.toFixed(3)}`
  return `  ${traffic}: ${figures}, bare ${bareUs.toFixed(1)} us, ${requests} requests${kept ? '' : ', DISCARDED by its control'}`
}

/** The rounds of one traffic that their control has not discarded. */
function ofTraffic(rounds: readonly Round[], traffic: Traffic): Round[] {
  return rounds.filter((round) => round.kept && round.traffic === traffic)
}

/** All CPU of all rounds over what the bare app took for the same requests. */
function describeAll(rounds: readonly Round[]): string {
  // a busy machine may not answer one request in a short round
  const measured = rounds.filter(({ ratio, bareUs }) => Number.isFinite(ratio * bareUs))
  const sum = (of: (round: Round) => number) => measured.reduce((total, round) => total + of(round), 0)
  const bareUs = sum((round) => round.bareUs * round.requests)
  return bareUs === 0
    ? '-'
    : (sum((round) => round.ratio * round.bareUs * round.requests) / bareUs).toFixed(2)
}

function describeLoop(rounds: readonly Round[]): string {
  return rounds.length === 0 ? '-' : median(rounds.map(({ loopRatio }) => loopRatio)).toFixed(2)
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return 'no round kept'
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(2)} [${least.toFixed(2)}-${most.toFixed(2)}]`
}

/** What became of the requests when the process was killed, for the log. */
export function describeKill(measurement: Measurement | Failure): string {
  if ('failure' in measurement) return `DID NOT RUN: ${measurement.failure}`
  const { candidate, kills } = measurement
  if (candidate.keeps === 'nothing') return 'keeps nothing'
  return kills
    .map(({ sent, answered, stored }) => `killed: sent ${sent}, answered ${answered}, stored ${stored}`)
    .join('; ')
}

function describeLoss(measurement: Measurement | Failure): string {
  if ('failure' in measurement) return 'ended by itself'
  const { candidate, kills } = measurement
  if (candidate.keeps === 'nothing') return '-'
  // Process by process: what was under way at the kill of one may have been counted, and would hide a loss of another.
  const sum = (of: (kill: Kill) => number) => kills.reduce((total, kill) => total + Math.max(0, of(kill)), 0)
  const lost = sum(({ answered, stored }) => answered - stored)
  const twice = sum(({ sent, stored }) => stored - sent)
  const all = sum(({ answered }) => answered)
  const loss = lost === 0 ? '0' : `${lost.toLocaleString('en-US')} of ${all.toLocaleString('en-US')}`
  return twice === 0 ? loss : `${loss}, but ${twice} twice`
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return ((sorted[(sorted.length - 1) >> 1] ?? NaN) + (sorted[sorted.length >> 1] ?? NaN)) / 2
}

function machine(): string {
  const all = cpus()
  return `Node ${process.versions.node}, ${platform()} ${arch()}, ${all.length} x ${all[0]?.model.trim() || 'unnamed CPU'}.`
}
