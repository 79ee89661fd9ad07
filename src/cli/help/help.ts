import { Help } from '@oclif/core'
import type { Command, Interfaces } from '@oclif/core'
import type { Screen } from '../../terminal/screen.ts'
import { findScreen } from '../find-screen.ts'
import { renderCommandHelp } from './render-command-help.ts'

/** Without a terminal: as wide as most terminals are. */
const PIPE_WIDTH = 80

/** The help of commands as manual pages; lists of commands are oclif's. */
export default class ManualHelp extends Help {
  readonly #screen: Screen

  constructor(config: Interfaces.Config, options: Partial<Interfaces.HelpOptions> = {}) {
    const { width = PIPE_WIDTH, colour } = findScreen({ 'no-color': process.argv.includes('--no-color') })
    super(config, { ...options, maxWidth: width, stripAnsi: !colour })
    this.#screen = { width, colour }
  }

  override showCommandHelp(command: Command.Loadable): Promise<void> {
    this.log(renderCommandHelp(command, this.config, this.#screen).trimEnd())
    return Promise.resolve()
  }

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp()
    this.log(`"${this.config.bin} help COMMAND" explains a command, and so does --help after it.`)
  }
}
