import { pathToFileURL } from 'node:url'
import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'
import type { BaseFlags } from '../base-command.ts'
import type { Pricing } from '../../report/usage/pricing.ts'
import type { ReportAnswer } from '../../report/answer-report.ts'
import type { ReportFlags, ReportFormat } from '../../report/question/report-flags.ts'
import { byFlag, csvSeparatorFlag, unitFlag, usageFlags } from '../usage-flags.ts'

/** `apikey-analytics report` */
export default class Report extends BaseCommand {
  static override readonly summary =
    'Show who called what: an overview, a key, an endpoint, any grouping, invoice lines.'
  static override readonly description = `Without --since, --until and --month: the last 30 days. --json gives the report as one object, {report, title, database, dataDir, period, total, series, sections, notes}; docs/reports.md lists its fields; they are not renamed or removed within a major version.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> report',
    '<%= config.bin %> report --key acme --since 7d',
    "<%= config.bin %> report --endpoint 'GET /users/:id' --compare previous",
    '<%= config.bin %> report --by key,month --since 365d --tz Europe/Berlin',
    '<%= config.bin %> report --by endpoint --latency --sort p95',
    '<%= config.bin %> report --status 4xx --by endpoint --format markdown',
    '<%= config.bin %> report --unit tokens --by owner --month 2026-10',
    '<%= config.bin %> report --billable 2xx --month 2026-10 --tz Europe/Berlin',
    '<%= config.bin %> report --billable 2xx --month 2026-10 --format xlsx --out october.xlsx',
    '<%= config.bin %> report --billable 2xx --month 2026-10 --prices prices.json',
    '<%= config.bin %> report --unused 90d',
    '<%= config.bin %> report --deprecated',
    '<%= config.bin %> report --owner acme --since 7d --open',
    'pbpaste | <%= config.bin %> report --key -',
  ]
  static override readonly flags = {
    ...usageFlags,
    by: byFlag,
    unit: unitFlag,
    compare: Flags.option({ options: ['previous'] as const })({
      summary:
        'Compare with the same part of the month, week or days before; else with as many hours before.',
    }),
    billable: Flags.string({
      summary:
        'Invoice lines of a --month: requests with these statuses (or their --unit) per key, method and path.',
      helpValue: 'STATUS',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    prices: Flags.string({
      summary: 'Add what the invoice lines cost with the prices of this file (JSON); needs --billable.',
      helpValue: 'FILE',
    }),
    unused: Flags.string({
      summary: 'The routes (option routes) that no key has called in the last whole days.',
      helpValue: '90d',
      helpGroup: 'ROUTES',
    }),
    deprecated: Flags.boolean({
      summary: 'The deprecated routes and who still calls them, against the period before.',
      helpGroup: 'ROUTES',
    }),
    latency: Flags.boolean({
      summary: 'Add durations: mean, p50, p95, p99 (within 10 %).',
    }),
    sort: Flags.option({ options: ['requests', 'quantity', 'errors', 'last-used', 'group', 'p95'] as const })(
      {
        summary: 'Order of the lines; quantity needs --unit, p95 needs --latency.',
      },
    ),
    limit: Flags.integer({
      summary:
        'Lines at most; 0 for all. Default: 10 in the overview, 20 in tables and for one owner (of time the newest 100), all in csv, json and xlsx.',
      min: 0,
      helpValue: 'N',
    }),
    format: Flags.option({ options: ['table', 'csv', 'json', 'markdown', 'html', 'xlsx'] as const })({
      summary:
        'How to write it; html is one page; csv and xlsx (Excel) have plain numbers and UTC times, and local ones with --tz.',
      default: 'table' as const,
    }),
    'csv-separator': csvSeparatorFlag,
    out: Flags.string({
      char: 'o',
      summary: 'Write to a file instead of standard output; the file appears when it is complete.',
      helpValue: 'FILE',
      exclusive: ['watch'],
    }),
    open: Flags.boolean({
      summary: 'Write the report as a page, to --out or a temporary file, and open it in the browser.',
      exclusive: ['json', 'watch'],
    }),
    watch: Flags.boolean({
      summary: 'Draw the report again every two seconds; Ctrl-C ends.',
      exclusive: ['json'],
    }),
  }

  async run(): Promise<object | undefined> {
    const { flags, metadata } = await this.parse(Report)
    const isDefault = metadata.flags.format?.setFromDefault
    const format = flags.open && isDefault ? 'html' : this.oneFormat(flags.format, metadata.flags.format)
    return this.withDatabase(flags, async (db, location) => {
      const { answerReport } = await import('../../report/answer-report.ts')
      const pricing = flags.prices === undefined ? undefined : await this.readPricing(flags.prices)
      const read = () => answerReport(db, { ...flags, format }, location, pricing)
      // --watch refuses a workbook
      if (flags.watch && format !== 'xlsx') {
        const { watch } = await import('../watch.ts')
        return watch(async () => this.draw(await read(), format, flags)).then(() => undefined)
      }
      const report = await read()
      if (format === 'xlsx') await this.write(await report.workbook(), flags.out)
      else if (flags.open) await this.open(this.draw(report, format, flags), flags.out)
      else await this.write(this.draw(report, format, flags), flags.out)
      const isUnheaded = format === 'csv' || format === 'xlsx'
      for (const note of isUnheaded ? report.notes : []) this.say(`Note: ${note}`)
      // a file has it already
      return flags.out === undefined ? report.toJson() : undefined
    })
  }

  private async readPricing(path: string): Promise<Pricing> {
    const { makeReportPricing, readPriceList } = await import('../../billing/price/report-pricing.ts')
    return makeReportPricing(await readPriceList(path))
  }

  private draw(
    report: ReportAnswer,
    format: Exclude<ReportFormat, 'xlsx'>,
    flags: BaseFlags & Pick<ReportFlags, 'csv-separator' | 'out'>,
  ): string {
    const screen = flags.out === undefined ? this.screen(flags) : { colour: false }
    const text = report.render(format, screen, flags['csv-separator'])
    // Tables are already safe for a terminal, with their colours. CSV has the text as it is in the database.
    return format === 'csv' && flags.out === undefined ? this.forOutput(text) : text
  }

  private async open(page: string, out: string | undefined): Promise<void> {
    const [{ openBrowser }, { makePageFile }] = await Promise.all([
      import('../open-browser.ts'),
      import('../make-page-file.ts'),
    ])
    const file = out ?? (await makePageFile())
    await this.write(page, file)
    this.print(`${file}\n`)
    await openBrowser(pathToFileURL(file).href).catch(() =>
      this.say('No browser could be opened: open the file yourself.'),
    )
  }

  private async write(content: string | AsyncIterable<Uint8Array>, file: string | undefined): Promise<void> {
    if (file === undefined && typeof content === 'string') return this.print(content)
    const [{ writeOutput }, { withInterruption }] = await Promise.all([
      import('../write-output.ts'),
      import('../interruption.ts'),
    ])
    const pieces = typeof content === 'string' ? [content] : content
    await withInterruption((signal) => writeOutput(pieces, { file, gzip: false, signal }))
  }
}
