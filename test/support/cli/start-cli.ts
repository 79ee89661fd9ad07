import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { CliOptions, CliResult } from './run-cli.ts'

const BIN = new URL('../../../bin/run.js', import.meta.url).pathname

/** Starts `bin/run.js` of the build as a user would, with an environment that has nothing of ours but `env`. */
export function startCli(args: readonly string[], { env = {}, cwd }: CliOptions = {}): ChildProcess {
  return spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: 'pipe',
    ...(cwd && { cwd }),
  })
}

/** Runs it to its end: for what a process shows and `runCli` cannot, such as its real exit code. */
export async function runBin(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = startCli(args, options)
  child.stdin?.end(options.input ?? '')
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout!), text(child.stderr!), ended])
  return { code, stdout, stderr }
}
