import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** PgBouncer, where it is installed (Debian: package pgbouncer). */
export const PGBOUNCER = findInstalled('pgbouncer')
/** Prometheus and its checker, where they are installed (Debian: package prometheus). */
export const PROMETHEUS = findInstalled('prometheus')
export const PROMTOOL = findInstalled('promtool')
/** The shells of people, and the program that gives them a terminal (Debian: packages zsh, fish, bsdutils). */
export const SHELLS = {
  bash: findInstalled('bash'),
  zsh: findInstalled('zsh'),
  fish: findInstalled('fish'),
}
export const SCRIPT = findInstalled('script')

function findInstalled(name: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}
