import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'
import type { HeadedReport, ReportFormat } from '../read-report.ts'
import { byFlag, usageFlags } from '../usage-flags.ts'

/** `apikey-analytics report` */
export default class Report extends BaseCommand {
  static override readonly summary =
    'Show who called what: an overview, a key, an endpoint, any grouping, invoice lines.'
  static override readonly description = `Without --since, --until and --month: the last 30 days. --json gives the report as one object, {report, title, database, dataDir, period, total, series, sections, notes}; its fields are listed in the README under "report --json" and stay within a major version.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> report',
    '<%= config.bin %> report --key acme --since 7d',
    "<%= config.bin %> report --endpoint 'GET /users/:id' --compare previous",
    '<%= config.bin %> report --by key,month --since 365d --tz Europe/Berlin',
    '<%= config.bin %> report --by endpoint --latency --sort p95',
    '<%= config.bin %> report --status 4xx --by endpoint --format markdown',
    '<%= config.bin %> report --billable 2xx --month 2026-10 --tz Europe/Berlin',
    'pbpaste | <%= config.bin %> report --key -',
  ]
  static override readonly flags = {
    ...usageFlags,
    by: byFlag,
    compare: Flags.option({ options: ['previous'] as const })({
      summary: 'Compare with the period before, of the same length.',
    }),
    billable: Flags.string({
      summary: 'Invoice lines of a --month: requests with these statuses per key and endpoint.',
      helpValue: 'STATUS',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    latency: Flags.boolean({
      summary: 'Add how long requests took: mean, p50, p95, p99 (to within 10 %).',
    }),
    sort: Flags.option({ options: ['requests', 'errors', 'last-used', 'group', 'p95'] as const })({
      summary: 'What comes first; p95 needs --latency.',
    }),
    limit: Flags.integer({
      summary: 'Lines at most; 0 for all. Default: 10 in the overview, 20 in tables, all in csv and json.',
      min: 0,
      helpValue: 'N',
    }),
    format: Flags.option({ options: ['table', 'csv', 'json', 'markdown'] as const })({
      summary: 'How to write it; csv has plain numbers and UTC times.',
      default: 'table' as const,
    }),
    watch: Flags.boolean({ summary: 'Draw it again every two seconds; Ctrl-C ends.', exclusive: ['json'] }),
  }

  async run(): Promise<object | undefined> {
    const { flags } = await this.parse(Report)
    return this.withDatabase(flags, async (db, place) => {
      const { readReport, renderAs, toReportJson } = await import('../read-report.ts')
      const format = this.jsonEnabled() ? 'json' : flags.format
      const read = () => readReport(db, { ...flags, format }, place)
      const draw = (report: HeadedReport) => renderAs(format, report, this.screen(flags))
      if (flags.watch) {
        const { watch } = await import('../watch.ts')
        return watch(async () => this.safe(draw(await read()), format)).then(() => undefined)
      }
      const report = await read()
      this.print(this.safe(draw(report), format))
      for (const note of format === 'csv' ? report.report.notes : []) this.say(`Note: ${note}`)
      return toReportJson(report)
    })
  }

  /** Tables are safe for a terminal as they are, with their colours; CSV has whatever the database has. */
  private safe(text: string, format: ReportFormat): string {
    return format === 'csv' ? this.forOutput(text) : text
  }
}
