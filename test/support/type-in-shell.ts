import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Shell } from '../../src/cli/completion/write-completions.ts'
import { SCRIPT, SHELLS } from './find-installed.ts'
import { PATIENCE_MS } from './patience.ts'

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** A person at an interactive shell that has loaded our completion script. */
export interface TypingPerson {
  /** The folder in which the shell runs. */
  readonly folder: string
  /**
   * Types keys and Enter in a new shell. @returns the arguments with which `apikey-analytics` was run then, and what the
   * terminal showed
   */
  type(keys: string): Promise<{ args: string[]; screen: string }>
  remove(): void
}

/** How each shell is started so that it reads only our script; `%s` is the folder. */
const STARTS: Record<Shell, { readonly file: string; readonly setup: string; readonly command: string }> = {
  bash: { file: '.bashrc', setup: '', command: "--noprofile --rcfile '%s/.bashrc' -i" },
  zsh: { file: '.zshrc', setup: 'autoload -U compinit\ncompinit -D -u\n', command: '-d -i' },
  fish: {
    file: 'config.fish',
    setup: 'set -g fish_greeting\n',
    command: "--no-config -i -C 'source %s/config.fish'",
  },
}

/** Gives a shell a folder of its own, with `apikey-analytics` on its PATH; what is run by Enter only writes its arguments down. */
export function sitAtShell(shell: Shell, env: Readonly<Record<string, string>>): TypingPerson {
  const program = SHELLS[shell] ?? SHELLS.bash!
  const folder = mkdtempSync(join(tmpdir(), `apikey-analytics-${shell}-`))
  const written = join(folder, 'arguments')
  const bin = mkdtempSync(join(folder, 'bin-'))
  const fake = join(bin, 'apikey-analytics')
  writeFileSync(
    fake,
    `#!/bin/sh
case $1 in
  complete | completion) exec '${process.execPath}' '${BIN}' "$@" ;;
esac
printf '%s\\0' "$@" > '${written}.part'
mv '${written}.part' '${written}'
`,
  )
  chmodSync(fake, 0o755)
  const { file, setup, command } = STARTS[shell]
  const load =
    shell === 'fish'
      ? 'apikey-analytics completion fish | source'
      : `source <(apikey-analytics completion ${shell})`
  writeFileSync(join(folder, file), `${setup}${load}\n`)
  const type = async (keys: string) => {
    rmSync(written, { force: true })
    const child = spawn(SCRIPT!, ['-qec', `'${program}' ${command.replace('%s', folder)}`, '/dev/null'], {
      cwd: folder,
      stdio: 'pipe',
      env: {
        PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
        HOME: folder,
        ZDOTDIR: folder,
        XDG_CONFIG_HOME: folder,
        XDG_DATA_HOME: folder,
        TERM: 'xterm',
        LANG: 'C.UTF-8',
        ...env,
      },
    })
    let screen = ''
    child.stdout.on('data', (data: Buffer) => (screen += data.toString()))
    child.stdin.write(`${keys}\r`)
    const deadline = Date.now() + PATIENCE_MS
    while (!existsSync(written) && Date.now() < deadline) await sleep(20)
    // leaves a quote that is still open, and then the shell
    child.stdin.end('\x03exit\r')
    await Promise.race([once(child, 'close'), sleep(2000)])
    child.kill('SIGKILL')
    const args = existsSync(written) ? readFileSync(written, 'utf8').split('\0').slice(0, -1) : []
    return { args, screen }
  }
  return { folder, type, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) }
}
