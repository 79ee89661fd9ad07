import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics keys link` */
export default class KeysLink extends BaseCommand {
  static override readonly summary =
    'Say that a key continues an older one: both count as one key from then on.'
  static override readonly description = `For a secret that was rotated, or several keys of one customer. Reports, the dashboard, quotas, security, alerts and a customer's own usage add the linked keys up, under the newest of them; --no-links shows each alone. No count is changed: totals, usage by owner and statements stay as they are, and "keys unlink" undoes it. Several keys may continue one.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> keys link sk_l…9fQ2 --continues sk_l…77aa',
    "<%= config.bin %> keys link 'Mobile app' --continues 'Old app' --across-owners",
  ]
  static override readonly args = {
    key: Args.string({
      description: 'The newer key: its name, label, id or a unique start of it.',
      required: true,
    }),
  }
  static override readonly flags = {
    continues: Flags.string({
      summary: 'The older key: its name, label, id or a unique start of it.',
      helpValue: 'KEY',
      required: true,
    }),
    'across-owners': Flags.boolean({
      summary: 'Link keys of different owners too; each owner keeps its own usage.',
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(KeysLink)
    return this.withDatabase(flags, async (db, location) => {
      const { runLink } = await import('../../../report/keys/run-link.ts')
      const { text, ...result } = await runLink(
        db,
        { key: args.key, continues: flags.continues, acrossOwners: flags['across-owners'] },
        location,
      )
      this.print(this.forOutput(text))
      return result
    })
  }
}
