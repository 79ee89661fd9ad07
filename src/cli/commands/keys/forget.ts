import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { confirm } from '../../confirm.ts'

/** `apikey-analytics keys forget` */
export default class KeysForget extends BaseCommand {
  static override readonly summary = 'Delete a key and all its rows; logged, so that totals stay provable.'
  static override readonly description = `If the key is used again it appears anew.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> keys forget sk_l…9f2a',
    '<%= config.bin %> keys forget acme --yes',
  ]
  static override readonly args = {
    key: Args.string({ description: 'Name, label, id or a unique start of it.', required: true }),
  }
  static override readonly flags = {
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask.' }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(KeysForget)
    return this.withDatabase(flags, async (db, place) => {
      const [{ findKey }, { forgetKey }, { findUsage }, { describeKeyUsage, describeForgotten }] =
        await Promise.all([
          import('../../find-key.ts'),
          import('../../../store/forget-key.ts'),
          import('../../../store/find-usage.ts'),
          import('../../read-keys.ts'),
        ])
      const key = await findKey(db, args.key, place)
      this.say(describeKeyUsage(key, await findUsage(db, { keyIds: [key.id] })))
      if (!(await confirm('Forget it?', flags.yes))) {
        this.say('Nothing was changed.')
        return { key, forgotten: null }
      }
      const forgotten = await forgetKey(db, key.id)
      this.print(this.forOutput(describeForgotten(key, forgotten)))
      return { key, forgotten }
    })
  }
}
