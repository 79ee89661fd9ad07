import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
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
  const folder = makeAppFolder()
  const packed = await packPackage(folder)
  await installIn(folder, [...beside, packed.tarball])
  return makeApp(folder, packed)
}

/** The same without any install script: the lock file first, then `npm ci`, as on a server. */
export async function installWithoutScripts(...beside: string[]): Promise<InstalledApp> {
  const folder = makeAppFolder()
  const packed = await packPackage(folder)
  await runNpm(folder, 'install', '--package-lock-only', ...beside, packed.tarball)
  await runNpm(folder, 'ci', '--ignore-scripts')
  return makeApp(folder, packed)
}

/** Makes a folder, by default a temporary one, with the package.json of an ES module. */
export function makeAppFolder(
  folder: string = realpathSync(mkdtempSync(join(tmpdir(), 'apikey-analytics-app-'))),
): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  return folder
}

/** What npm makes of the built package. */
export interface PackedPackage {
  readonly tarball: string
  readonly integrity: string
  readonly files: readonly string[]
}

/** Packs the built package into a folder. */
export async function packPackage(folder: string): Promise<PackedPackage> {
  const packed = await runIn(ROOT, 'npm', [
    'pack',
    '--ignore-scripts',
    '--json',
    '--pack-destination',
    folder,
  ])
  const [{ filename, integrity, files }] = readPacked(packed.stdout)
  return { tarball: join(folder, filename), integrity, files: files.map(({ path }) => path) }
}

/** Installs packages in the folder of an app. */
export async function installIn(folder: string, packages: readonly string[]): Promise<void> {
  await runNpm(folder, 'install', ...packages)
}

async function runNpm(folder: string, command: string, ...args: readonly string[]): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  // The machine's own settings for npm, such as a registry or certificates, are in its environment.
  const { code, stderr } = await runIn(folder, 'npm', [command, ...quiet, ...args], process.env)
  if (code !== 0) throw new Error(`npm ${command} failed: ${stderr}`)
}

/** The app in a folder in which it is installed. */
export function makeApp(folder: string, { tarball, files }: PackedPackage): InstalledApp {
  return {
    folder,
    tarball,
    files,
    start: (program, args, env) => startIn(folder, program, args, env),
    serve: (script, env) => startIn(folder, 'node', ['--import', HURRIED, script], env),
    run: (program, args, env) => runIn(folder, program, args, env),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

interface Packed {
  readonly filename: string
  readonly integrity: string
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
