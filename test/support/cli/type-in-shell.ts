import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Shell } from '../../../src/cli/completion/write-completions.ts'
import { SCRIPT, SHELLS } from '../find-installed.ts'
import { PATIENCE_MS } from '../patience.ts'

const BIN = fileURLToPath(new URL('../../../bin/run.js', import.meta.url))
/** Two seconds for names are too few for a busy machine. */
const WAITING = `data:text/javascript,import { waitForNames } from "${new URL('wait-for-names.ts', import.meta.url).href}"; waitForNames()`

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

/** The line that docs/shell.md gives for each shell. */
export const COMPLETION_LINES: Readonly<Record<Shell, string>> = {
  bash: 'source <(apikey-analytics completion bash)',
  zsh: 'source <(apikey-analytics completion zsh)',
  fish: 'apikey-analytics completion fish > ~/.config/fish/completions/apikey-analytics.fish',
}

/** How each shell is started, so that it reads only this line; `%s` is the folder. */
const STARTS: Readonly<Record<Shell, string>> = {
  bash: "--noprofile --rcfile '%s/.bashrc' -i",
  zsh: '-d -i',
  fish: '-i',
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
  complete | completion) exec '${process.execPath}' --import '${WAITING}' '${BIN}' "$@" ;;
esac
printf '%s\\0' "$@" > '${written}.part'
mv '${written}.part' '${written}'
`,
  )
  chmodSync(fake, 0o755)
  const npx = join(bin, 'npx')
  writeFileSync(npx, `#!/bin/sh\ntouch '${folder}/npx-was-used'\nexec "$@"\n`)
  chmodSync(npx, 0o755)
  const home = {
    PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
    HOME: folder,
    LANG: 'C.UTF-8',
  }
  const line = COMPLETION_LINES[shell]
  if (shell === 'bash') writeFileSync(join(folder, '.bashrc'), `${line}\n`)
  if (shell === 'zsh')
    writeFileSync(join(folder, '.zshrc'), `autoload -U compinit\ncompinit -D -u\n${line}\n`)
  if (shell === 'fish') {
    mkdirSync(join(folder, '.config/fish/completions'), { recursive: true })
    // else a new user's fish reads all manual pages of the machine, and goes on after its end
    mkdirSync(join(folder, '.local/share/fish/generated_completions'), { recursive: true })
    execFileSync('sh', ['-c', line], { env: home })
  }
  const type = async (keys: string) => {
    rmSync(written, { force: true })
    const child = spawn(
      SCRIPT!,
      ['-qec', `'${program}' ${STARTS[shell].replace('%s', folder)}`, '/dev/null'],
      {
        cwd: folder,
        stdio: 'pipe',
        env: { ...home, ZDOTDIR: folder, TERM: 'xterm', ...env },
      },
    )
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
