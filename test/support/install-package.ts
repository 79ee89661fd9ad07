import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TOOLS = join(ROOT, 'node_modules', '.bin')
/** What the documentation uses and a machine may lack; the machine's own come first. */
const PROGRAMS = fileURLToPath(new URL('programs', import.meta.url))
const HURRIED = new URL('hurried-intervals.ts', import.meta.url).href

/** What a program left behind. */
export interface ProgramResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** An app in a folder of its own that has installed the packed package from the registry's point of view. */
export interface InstalledApp {
  readonly folder: string
  readonly tarball: string
  /** Paths in the package. */
  readonly files: readonly string[]
  /** Starts a program in the folder, with an environment that has nothing of ours but `env`. */
  start(program: string, args: readonly string[], env?: Environment): ChildProcess
  /** Starts a script of the folder that serves; its intervals are short. */
  serve(script: string, env?: Environment): ChildProcess
  /** Runs one to its end. */
  run(program: string, args: readonly string[], env?: Environment): Promise<ProgramResult>
  remove(): void
}

/** Packs the built package and installs it, with `beside`, in a new folder. */
export async function installPackage(...beside: string[]): Promise<InstalledApp> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'apikey-analytics-app-')))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const packed = await runIn(ROOT, 'npm', [
    'pack',
    '--ignore-scripts',
    '--json',
    '--pack-destination',
    folder,
  ])
  const [{ filename, files }] = readPacked(packed.stdout)
  const tarball = join(folder, filename)
  // The machine's own settings for npm, such as a registry or certificates, are in its environment.
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  const installed = await runIn(folder, 'npm', ['install', ...quiet, ...beside, tarball], process.env)
  if (installed.code !== 0) throw new Error(`npm install failed: ${installed.stderr}`)
  return {
    folder,
    tarball,
    files: files.map(({ path }) => path),
    start: (program, args, env) => startIn(folder, program, args, env),
    serve: (script, env) => startIn(folder, 'node', ['--import', HURRIED, script], env),
    run: (program, args, env) => runIn(folder, program, args, env),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** Newer npm gives an object by package name, older npm a list. */
function readPacked(stdout: string): [Packed] {
  const packed = JSON.parse(stdout) as Record<string, Packed>
  return [Object.values(packed)[0]!]
}

function startIn(cwd: string, program: string, args: readonly string[], env: Environment = {}): ChildProcess {
  // the Node of this run comes before the one that npm brought
  const PATH = [dirname(process.execPath), TOOLS, process.env['PATH'], PROGRAMS].join(delimiter)
  return spawn(program, args, { cwd, env: { HOME: process.env['HOME'], ...env, PATH }, stdio: 'pipe' })
}

async function runIn(
  cwd: string,
  program: string,
  args: readonly string[],
  env?: Environment,
): Promise<ProgramResult> {
  const child = startIn(cwd, program, args, env)
  child.stdin!.end()
  const ended = once(child, 'close') as Promise<[number | null]>
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), ended])
  return { code, stdout, stderr }
}
