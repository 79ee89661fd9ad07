import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics alerts list` */
export default class AlertsList extends BaseCommand {
  static override readonly summary = 'List the alerts that fired, and whether they were delivered.'
  static override readonly description = exitCodes()
  static override readonly examples = [
    '<%= config.bin %> alerts list',
    '<%= config.bin %> alerts list --since 7d --json',
  ]
  static override readonly flags = {
    since: Flags.string({
      summary: 'Alerts that fired since then: 24h, 7d, 4w ago, or a date or time (UTC).',
      helpValue: 'TIME',
      default: '30d',
    }),
    format: Flags.option({ options: ['table', 'markdown', 'json'] as const })({
      summary: 'Format of the output.',
      default: 'table' as const,
    }),
  }

  async run(): Promise<object> {
    const { flags, metadata } = await this.parse(AlertsList)
    const format = this.oneFormat(flags.format, metadata.flags.format)
    return this.withDatabase(flags, async (db, { dataDir }) => {
      const [{ readAlertList }, { renderAlertList, toAlertsJson: toListJson }] = await Promise.all([
        import('../../../alerts/read-alert-list.ts'),
        import('../../../alerts/render-alerts.ts'),
      ])
      const list = await readAlertList(db, flags.since)
      const place = { databaseLabel: db.databaseLabel, dataDir }
      this.print(renderAlertList(format, list, place, this.screen(flags)))
      return toListJson(list, place)
    })
  }
}
