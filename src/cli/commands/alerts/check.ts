import { Flags } from '@oclif/core'
import { SEVERITIES } from '../../../model/severity.ts'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics alerts check` */
export default class AlertsCheck extends BaseCommand {
  static override readonly summary =
    'Fire alerts for quotas and security findings, and send them to webhooks. For cron.'
  static override readonly description = `Each threshold of a quota fires once in its period, or within three days after it when counts come late, and again when the limit was raised; each security finding fires once per UTC day, and again when it became more severe. Alerts that earlier checks could not send are sent now. A webhook gets a POST that is signed as Standard Webhooks describes; its secret is in APIKEY_ANALYTICS_WEBHOOK_SECRET. docs/alerts.md explains the receiver.\n\n${exitCodes('failed, --fail-on found something, or an alert could not be sent')}`
  static override readonly examples = [
    '<%= config.bin %> alerts check --dry-run',
    '<%= config.bin %> alerts check --env-file .env --webhook https://ops.example.com/alerts',
    '<%= config.bin %> alerts check --only quotas --at 50,80,100 --fail-on high',
  ]
  static override readonly flags = {
    webhook: Flags.string({
      summary:
        'Where to send alerts, perhaps with a name (APIKEY_ANALYTICS_WEBHOOK). May be repeated. Without it they are only recorded.',
      helpValue: '[NAME=]URL',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'allow-http': Flags.boolean({ summary: 'Allow webhooks on other machines without TLS.' }),
    at: Flags.string({
      summary: 'Percent of a limit at which an alert fires; default: 80,100.',
      helpValue: 'PERCENT',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    only: Flags.option({ options: ['quotas', 'security'] as const })({
      summary: 'Check only quotas, or only security; both without it.',
    }),
    since: Flags.string({
      summary: 'Look at security since then: 7d, 4w ago, or a date or time (UTC); default: 24h.',
      helpValue: 'TIME',
    }),
    threshold: Flags.string({
      summary: 'Set a threshold of a security rule, as for "security". May be repeated.',
      helpValue: 'NAME=NUMBER',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'min-severity': Flags.option({ options: SEVERITIES })({
      summary: 'Fire only alerts that are this severe or worse. A quota is medium, from 100% on high.',
    }),
    'fail-on': Flags.option({ options: SEVERITIES })({
      summary: 'Exit code 1 when an alert fires that is this severe or worse.',
    }),
    'dry-run': Flags.boolean({ summary: 'Show what would fire; record and send nothing.', default: false }),
    format: Flags.option({ options: ['table', 'markdown', 'json'] as const })({
      summary: 'Format of the output.',
      default: 'table' as const,
    }),
  }

  async run(): Promise<object> {
    const { flags, metadata } = await this.parse(AlertsCheck)
    const format = this.oneFormat(flags.format, metadata.flags.format)
    const [{ runAlertCheck }, { renderAlertCheck, toCheckJson }] = await Promise.all([
      import('../../../alerts/run-alert-check.ts'),
      import('../../../alerts/render-alerts.ts'),
    ])
    return this.withDatabase(flags, async (db, location) => {
      const checked = await runAlertCheck(db, flags, location)
      this.print(renderAlertCheck(format, checked, this.screen(flags)))
      if (checked.failed) this.differs()
      return toCheckJson(checked)
    })
  }
}
