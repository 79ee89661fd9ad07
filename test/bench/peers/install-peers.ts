import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Candidate } from './candidates.ts'

/** Installs the packages of other makers beside this file, once, when one of the candidates needs them. */
export function installPeers(candidates: readonly Candidate[]): void {
  const theirs = candidates.some(({ package: name }) => name && name !== 'apikey-analytics')
  if (!theirs || existsSync(new URL('node_modules', import.meta.url))) return
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: new URL('.', import.meta.url).pathname,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
