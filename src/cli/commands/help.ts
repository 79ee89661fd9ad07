import { Args, loadHelpClass } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics help` */
export default class Help extends BaseCommand {
  static override readonly summary = 'Explain a command, or list all commands.'
  static override readonly description = `The same as --help after a command.\n\n${exitCodes()}`
  static override readonly examples = ['<%= config.bin %> help report', '<%= config.bin %> help keys name']
  static override readonly args = {
    command: Args.string({ description: 'A command or a topic: report, keys, keys name.', multiple: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Help)
    const words = args.command ?? []
    const id = words.join(':')
    if (id !== '' && !this.config.findCommand(id) && !this.config.findTopic(id)) {
      await this.config.runHook('command_not_found', { id, argv: this.argv })
      return
    }
    const HelpClass = await loadHelpClass(this.config)
    await new HelpClass(this.config, this.config.pjson.oclif.helpOptions).showHelp(words)
  }
}
