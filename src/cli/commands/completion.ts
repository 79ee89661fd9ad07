import { Args } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'
import { writeCompletionScript } from '../completion/completion-scripts.ts'
import { SHELLS } from '../completion/write-completions.ts'
import type { Shell } from '../completion/write-completions.ts'

/** `apikey-analytics completion` */
export default class Completion extends BaseCommand {
  static override readonly summary = 'Print the script that completes commands in bash, zsh or fish.'
  static override readonly description = `Tab then completes commands, flags and values, and names from the database: keys, owners, endpoints, units, statements. The database is the one that the line names so far, else the one of the environment. It is only read, for two seconds at most.

In bash, add this line to ~/.bashrc:

  source <(apikey-analytics completion bash)

In zsh, add it to ~/.zshrc, after compinit:

  source <(apikey-analytics completion zsh)

In fish, write it to a file once:

  apikey-analytics completion fish > ~/.config/fish/completions/apikey-analytics.fish

docs/shell.md explains it for a package that is installed in a project only.

${exitCodes()}`
  static override readonly examples = [
    'source <(<%= config.bin %> completion bash)',
    'source <(<%= config.bin %> completion zsh)',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/<%= config.bin %>.fish',
  ]
  static override readonly args = {
    shell: Args.string({ description: 'The shell.', options: [...SHELLS], required: true }),
  }

  async run(): Promise<object> {
    const { args } = await this.parse(Completion)
    const script = writeCompletionScript(args.shell as Shell, this.config.bin)
    this.print(script)
    return { shell: args.shell, script }
  }
}
