import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { confirm } from '../../confirm.ts'

/** `apikey-analytics keys forget` */
export default class KeysForget extends BaseCommand {
  static override readonly summary =
    'Delete a key or a customer with all rows, or keep the counts without the names.'
  static override readonly description = `The deletion is logged, so totals can still be proved. A key that is used again appears again. --owner deletes the customer's keys, and, for keys that also had other owners, the rows of the customer's time. --anonymise deletes no row: name, label and owner are removed, and a random name replaces the customer, so sums stay as they were billed.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> keys forget sk_l…9f2a',
    '<%= config.bin %> keys forget --owner acme --yes',
    '<%= config.bin %> keys forget --owner acme --anonymise',
  ]
  static override readonly args = {
    key: Args.string({
      description: 'Name, label, id or a unique start of it; - reads the secret from standard input.',
    }),
  }
  static override readonly flags = {
    owner: Flags.string({ summary: 'All keys of a customer instead of one key.', helpValue: 'OWNER' }),
    anonymise: Flags.boolean({ summary: 'Keep the counts and remove the names.' }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask for confirmation.' }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(KeysForget)
    return this.withDatabase(flags, async (db, location) => {
      const { planForgetting } = await import('../../../removal/plan-forgetting.ts')
      const plan = await planForgetting(db, { key: args.key, ...flags }, location)
      this.say(plan.text)
      if (!(await confirm(flags.anonymise ? 'Anonymise it?' : 'Forget it?', flags.yes))) {
        this.say('Nothing was changed.')
        return { ...plan.subject, forgotten: null }
      }
      const { text, forgotten } = await plan.run()
      this.print(this.forOutput(text))
      return { ...plan.subject, forgotten }
    })
  }
}
