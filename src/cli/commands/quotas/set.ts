import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { quotaArgs, quotaFlags } from '../../quota-flags.ts'

/** `apikey-analytics quotas set` */
export default class QuotasSet extends BaseCommand {
  static override readonly summary = 'Set how much a key or a customer may use per day, week or month.'
  static override readonly description = `The app sees it with its next flush, by quotaOf(). Nothing is refused by itself. A quota that exists gets the new limit.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> quotas set sk_l…9f2a --limit 10000 --per day',
    '<%= config.bin %> quotas set --owner acme --unit tokens --limit 1000000 --tz Europe/Berlin',
  ]
  static override readonly args = quotaArgs
  static override readonly flags = {
    ...quotaFlags,
    limit: Flags.string({ summary: 'The limit, a whole number.', helpValue: 'N', required: true }),
    tz: Flags.string({
      summary: 'Time zone (IANA) in which its periods begin; default: as before, else UTC.',
      helpValue: 'ZONE',
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(QuotasSet)
    return this.withDatabase(flags, async (db, location) => {
      const { runSetQuota } = await import('../../../report/quotas/run-set-quota.ts')
      const { text, ...result } = await runSetQuota(db, { ...flags, ...args }, location)
      this.print(this.forOutput(text))
      return result
    })
  }
}
