import { Args } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics keys unlink` */
export default class KeysUnlink extends BaseCommand {
  static override readonly summary = 'Undo "keys link": the key no longer continues another one.'
  static override readonly description = `Keys that continue it stay linked to it. No count is changed.\n\n${exitCodes()}`
  static override readonly examples = ['<%= config.bin %> keys unlink sk_l…9fQ2']
  static override readonly args = {
    key: Args.string({ description: 'Name, label, id or a unique start of it.', required: true }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(KeysUnlink)
    return this.withDatabase(flags, async (db, location) => {
      const { runUnlink } = await import('../../../report/keys/run-link.ts')
      const { text, ...result } = await runUnlink(db, args.key, location)
      this.print(this.forOutput(text))
      return result
    })
  }
}
