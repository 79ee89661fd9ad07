import { Args } from '@oclif/core'
import { AnalyticsError } from '../../../model/errors.ts'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics customers rename` */
export default class CustomersRename extends BaseCommand {
  static override readonly summary = 'Give a customer another name, in all of the past too.'
  static override readonly description = `For a customer whose name changed: without it, usage from before stays under the name that the app said then. Let the app say the new name first, or it says the old one again.\n\n${exitCodes()}`
  static override readonly examples = ["<%= config.bin %> customers rename 'Acme Ltd' 'Acme plc'"]
  static override readonly args = {
    from: Args.string({ description: 'Its name so far.', required: true }),
    to: Args.string({
      description: 'Its new name. One that another customer has makes them one.',
      required: true,
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(CustomersRename)
    return this.withDatabase(flags, async (db) => {
      const [{ renameOwner }, { requireKnownNames }] = await Promise.all([
        import('../../../store/keys/rename-owner.ts'),
        import('../../../report/find-filter.ts'),
      ])
      const renamed = await renameOwner(db, args.from, args.to)
      if (renamed.keys === 0) {
        await requireKnownNames(db, { owner: args.from })
        throw new AnalyticsError('WRONG_USAGE', `No key has the owner "${args.from}".`)
      }
      const keys = renamed.keys === 1 ? '1 key' : `${renamed.keys} keys`
      this.print(this.forOutput(`${args.from} is ${args.to} now, with ${keys}.\n`))
      return { from: args.from, to: args.to, ...renamed }
    })
  }
}
