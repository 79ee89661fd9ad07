import { BaseCommand, exitCodes } from '../../base-command.ts'
import { quotaArgs, quotaFlags } from '../../quota-flags.ts'

/** `apikey-analytics quotas remove` */
export default class QuotasRemove extends BaseCommand {
  static override readonly summary = 'Remove a quota.'
  static override readonly description = exitCodes()
  static override readonly examples = [
    '<%= config.bin %> quotas remove sk_l…9f2a --per day',
    '<%= config.bin %> quotas remove --owner acme --unit tokens',
  ]
  static override readonly args = quotaArgs
  static override readonly flags = quotaFlags

  async run(): Promise<object> {
    const { args, flags } = await this.parse(QuotasRemove)
    return this.withDatabase(flags, async (db, location) => {
      const { runRemoveQuota } = await import('../../../report/quotas/run-set-quota.ts')
      const { text, ...result } = await runRemoveQuota(db, { ...flags, ...args }, location)
      this.print(this.forOutput(text))
      return result
    })
  }
}
