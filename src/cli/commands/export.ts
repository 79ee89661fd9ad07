import { Flags } from '@oclif/core'
import { AnalyticsError } from '../../model/errors.ts'
import { BaseCommand, exitCodes } from '../base-command.ts'
import { byFlag, csvSeparatorFlag, usageFlags } from '../usage-flags.ts'

/** `apikey-analytics export` */
export default class Export extends BaseCommand {
  static override readonly summary = 'Write stored rows, or groups of them, as CSV, JSON, NDJSON or Parquet.'
  static override readonly description = `The same data gives the same bytes. In CSV a text that a spreadsheet could take for a formula gets a leading apostrophe, and so does one that starts with an apostrophe: remove one from each text that has it to get the exact values back. Empty cells are null, "" is an empty text. Imported rows are included: the column importId, when it is named, is the number of their import, or 0.\n\n${exitCodes('failed or interrupted')}`
  static override readonly examples = [
    '<%= config.bin %> export > usage.csv',
    '<%= config.bin %> export --month 2026-10 --gzip --out october.csv.gz',
    '<%= config.bin %> export --format ndjson --columns bucket,endpoint,requestCount',
    '<%= config.bin %> export --format parquet --out usage.parquet',
    '<%= config.bin %> export --by key,day --since 30d --format json',
  ]
  static override readonly flags = {
    ...usageFlags,
    by: byFlag,
    format: Flags.option({ options: ['csv', 'json', 'ndjson', 'parquet'] as const })({
      summary: 'Format of the output.',
      default: 'csv' as const,
    }),
    'csv-separator': csvSeparatorFlag,
    columns: Flags.string({
      summary: 'Only these columns, in this order.',
      helpValue: 'NAME[,NAME]',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    latency: Flags.boolean({
      summary: 'Add columns for durations: measuredCount, p50Us, p95Us, p99Us (within 10 %).',
    }),
    units: Flags.boolean({
      summary: 'Add two columns per unit: the requests that used it, and their quantity.',
    }),
    out: Flags.string({
      char: 'o',
      summary: 'Write to a file instead of standard output; the file appears when it is complete.',
      helpValue: 'FILE',
    }),
    gzip: Flags.boolean({ summary: 'Compress the output.' }),
    progress: Flags.boolean({ summary: 'Show a progress bar on a terminal.', default: true, allowNo: true }),
  }

  async run(): Promise<void> {
    const { flags, metadata } = await this.parse(Export)
    const format = this.oneFormat(flags.format, metadata.flags.format)
    await this.withDatabase(flags, async (db, location) => {
      const [{ runExport }, { startProgressBar }, { withInterruption }, { writeOutput }] = await Promise.all([
        import('../../report/export/run-export.ts'),
        import('../../terminal/progress-bar.ts'),
        import('../interruption.ts'),
        import('../write-output.ts'),
      ])
      const { out: file, gzip } = flags
      const toTerminal = file === undefined && process.stdout.isTTY
      if (toTerminal && (gzip || format === 'parquet')) {
        throw new AnalyticsError(
          'WRONG_USAGE',
          'Compressed data is not for a terminal. Pass --out or use a pipe.',
        )
      }
      const bar = await startProgressBar('requests', flags.progress && file !== undefined)
      // Ctrl-C stops the export cleanly: an existing file then stays unchanged.
      const write = (pieces: AsyncIterable<Buffer>) =>
        withInterruption((signal) =>
          writeOutput(toTerminal ? this.forTerminal(pieces) : pieces, { file, gzip, signal }),
        )
      try {
        const notes = await runExport(db, { ...flags, format }, location, { bar, write })
        for (const note of notes) this.say(`Note: ${note}`)
      } finally {
        bar.stop()
      }
    })
  }

  private async *forTerminal(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
    for await (const piece of pieces) yield this.forOutput(piece.toString())
  }
}
