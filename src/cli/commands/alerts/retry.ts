import { Args } from '@oclif/core'
import { AnalyticsError } from '../../../model/errors.ts'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { countOf } from '../../../terminal/format-number.ts'

/** `apikey-analytics alerts retry` */
export default class AlertsRetry extends BaseCommand {
  static override readonly summary =
    'Send again what a webhook did not get: after it answered 410 Gone, or when alerts were given up.'
  static override readonly description = `The next "alerts check" sends it.\n\n${exitCodes()}`
  static override readonly examples = ['<%= config.bin %> alerts retry ops.example.com']
  static override readonly args = {
    webhook: Args.string({
      description: 'The name of the webhook, as "alerts list" shows it.',
      required: true,
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(AlertsRetry)
    return this.withDatabase(flags, async (db) => {
      const { retryWebhook } = await import('../../../store/alerts/note-delivery.ts')
      const retried = await retryWebhook(db, args.webhook, Date.now())
      if (retried === 0) {
        throw new AnalyticsError(
          'WRONG_USAGE',
          `No alert for "${args.webhook}" is disabled or given up. "alerts list" shows the deliveries.`,
        )
      }
      this.print(`${countOf(retried, 'alert waits', 'alerts wait')} for the next "alerts check".\n`)
      return { webhook: args.webhook, retried }
    })
  }
}
