import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** Work to be timed. */
export type Work = () => Promise<unknown>

/**
 * Runs each work in turn, `rounds` times after one round to warm up; gives the median of each in milliseconds, or what
 * `choose` takes of its times.
 */
export async function timeInTurn<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, Work>>,
  choose: (times: readonly number[]) => number = median,
): Promise<Record<Name, number>> {
  const names = Object.keys(works) as Name[]
  const times = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const start = performance.now()
      await works[name]()
      if (round > 0) times.get(name)!.push(performance.now() - start)
    }
  }
  return Object.fromEntries([...times].map(([name, all]) => [name, choose(all)])) as Record<Name, number>
}

/** What a process took. */
export interface Taken {
  readonly ms: number
  /** The most memory that a Node process had, in MB; 0 for other programs. */
  readonly peakMb: number
}

/** Tells the most memory that it had when it ends. */
const TELL_MEMORY = encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)))",
)

/** Runs a program to its end, its output thrown away. @throws Error when it fails */
export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Taken> {
  const nowhere = openSync('/dev/null', 'w')
  const start = performance.now()
  const child = spawn(command, args, {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      NODE_OPTIONS: `--import data:text/javascript,${TELL_MEMORY}`,
      ...env,
    },
    stdio: ['ignore', nowhere, 'pipe', 'pipe'],
  })
  closeSync(nowhere)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const memory = text(child.stdio[3] as NodeJS.ReadableStream)
  const [errors, code] = await Promise.all([text(child.stderr!), ended])
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${errors}`)
  return { ms: performance.now() - start, peakMb: Number(await memory) / 1024 }
}

/** The one in the middle; of an even number the upper. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
