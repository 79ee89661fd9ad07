import { Console } from 'node:console'
import { readFileSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Interfaces } from '@oclif/core'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** What a command left behind. */
export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How a command is run; without `cwd` in the folder of the tests. */
export interface CliOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs a command of the sources in this process: starting a process for each of some 500 commands took most of the
 * time of all tests. It sees pipes, no terminal, and an environment that has nothing of ours but `env`. Each has the
 * process to itself, so one runs after the other. `runBin` starts a real process.
 */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const result = last.then(() => runAlone(args, options))
  last = result.catch(() => {})
  return result
}

async function runAlone(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const written = Promise.all([text(stdout), text(stderr)])
  const giveBack = takeProcess(stdout, stderr, options)
  let code: number
  try {
    code = await runCommand(args)
  } finally {
    giveBack()
    stdout.end()
    stderr.end()
  }
  const [out, err] = await written
  return { code, stdout: out, stderr: err }
}

/** @returns the exit code. @throws what oclif itself would print: only a real process shows that */
async function runCommand(args: readonly string[]): Promise<number> {
  // loaded with the command's environment: what is decided once, such as colours, is decided as for a command
  const { run } = await import('@oclif/core')
  try {
    await run([...args], SOURCES)
  } catch (error) {
    const { code, oclif } = error as NodeJS.ErrnoException & { oclif?: { exit?: number } }
    if (code !== 'EEXIT') throw error
    return oclif?.exit ?? 0
  }
  return Number(process.exitCode ?? 0)
}

/** The package with the sources in place of the build, for oclif. */
export const SOURCES = { root: ROOT, pjson: readPackageOfSources() }

function readPackageOfSources(): Interfaces.PJSON {
  const packageJson = readFileSync(`${ROOT}package.json`, 'utf8')
  return JSON.parse(
    packageJson.replaceAll(/\.\/dist\/(cli\/[\w/-]+)\.js/g, './src/$1.ts'),
  ) as Interfaces.PJSON
}

/** Gives this process the output, input, environment and folder of a command. @returns what takes them back */
function takeProcess(
  stdout: PassThrough,
  stderr: PassThrough,
  { input = '', env = {}, cwd }: CliOptions,
): () => void {
  const streams = { stdout, stderr, stdin: Readable.from(input ? [Buffer.from(input)] : []) }
  const before = Object.getOwnPropertyDescriptors(process)
  const { env: environment, exitCode } = process
  const [console, folder] = [globalThis.console, process.cwd()]
  for (const [name, value] of Object.entries(streams)) {
    Object.defineProperty(process, name, { value, configurable: true })
  }
  process.env = { PATH: environment['PATH'], HOME: environment['HOME'], ...env }
  process.exitCode = undefined
  globalThis.console = new Console(stdout, stderr)
  if (cwd) process.chdir(cwd)
  return () => {
    process.chdir(folder)
    globalThis.console = console
    process.exitCode = exitCode
    process.env = environment
    for (const name of Object.keys(streams)) {
      Object.defineProperty(process, name, before[name as 'stdout' | 'stderr' | 'stdin'])
    }
  }
}
