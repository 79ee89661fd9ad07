import { Args } from '@oclif/core'
import { AnalyticsError } from '../../../model/errors.ts'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { countOf } from '../../../terminal/format-number.ts'

/** `apikey-analytics customers rename` */
export default class CustomersRename extends BaseCommand {
  static override readonly summary = 'Give a customer another name, also for all earlier usage.'
  static override readonly description = `Without this command, earlier usage stays under the name that the app passed then. Let the app pass the new name first, or it sets the old one again.\n\n${exitCodes()}`
  static override readonly examples = ["<%= config.bin %> customers rename 'Acme Ltd' 'Acme plc'"]
  static override readonly args = {
    owner: Args.string({ description: 'The present name.', required: true }),
    'new-name': Args.string({
      description: 'The new name. If another customer has it, both become one customer.',
      required: true,
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(CustomersRename)
    const { owner: from, 'new-name': to } = args
    return this.withDatabase(flags, async (db) => {
      const [{ renameOwner }, { requireKnownNames }] = await Promise.all([
        import('../../../store/keys/rename-owner.ts'),
        import('../../../report/question/find-filter.ts'),
      ])
      const renamed = await renameOwner(db, from, to)
      const { keys, alerts, quotas, droppedQuotas } = renamed
      if (keys + alerts + quotas + droppedQuotas === 0) {
        await requireKnownNames(db, { owner: from })
        throw new AnalyticsError('WRONG_USAGE', `No key has the owner "${from}".`)
      }
      // an owner may have quotas before its first key
      const what = keys === 0 ? 'its quotas and alerts' : countOf(keys, 'key')
      this.print(this.forOutput(`${from} is ${to} now, with ${what}.\n`))
      if (droppedQuotas > 0)
        this.say(`Note: ${to} had the same quotas, which stay; those of ${from} are gone.`)
      return { from, to, ...renamed }
    })
  }
}
