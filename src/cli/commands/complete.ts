import { BaseCommand } from '../base-command.ts'
import { findCompletions } from '../completion/find-completions.ts'
import { SHELL_LINES } from '../completion/write-completions.ts'
import type { Shell } from '../completion/write-completions.ts'

/** `apikey-analytics complete SHELL -- …`: what the scripts of `completion` ask when Tab is pressed. */
export default class Complete extends BaseCommand {
  static override readonly hidden = true
  static override readonly strict = false
  static override readonly summary = 'Answer the completion script of a shell.'

  /** Nothing is parsed: all after the shell and `--` is the line that somebody types. */
  async run(): Promise<void> {
    this.parsed = true
    const [shell, , ...given] = this.argv
    const { words, current, write } = SHELL_LINES[shell as Shell](given)
    const completions = await findCompletions(this.config, words, current, async (typed) => {
      const value = (name: string) => expandStart(typed.get(name))
      const flags = {
        database: typed.get('database'),
        'data-dir': value('data-dir'),
        'env-file': value('env-file'),
      }
      return (await this.locate(flags)).database
    })
    process.stdout.write(write(completions))
  }

  /** An error would be printed into the prompt. */
  protected override catch(): Promise<void> {
    process.exitCode = 1
    return Promise.resolve()
  }
}

/** A path as the shell will expand it: only a leading `~/`. */
function expandStart(path: string | undefined): string | undefined {
  return path?.replace(/^~(?=\/|$)/, process.env.HOME ?? '~')
}
