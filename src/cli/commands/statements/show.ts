import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { csvSeparatorFlag } from '../../usage-flags.ts'

/** `apikey-analytics statements show` */
export default class StatementsShow extends BaseCommand {
  static override readonly summary =
    'Print a statement, or the part of one customer or key; the same bytes every time.'
  static override readonly description = `Names are printed as they were when the statement was made. The format json is the one that "statements check" reads, also for a part of a statement. --prices multiplies; prices are not a part of the statement.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> statements show 2026-10',
    '<%= config.bin %> statements show 7 --owner Acme --format json --out acme-2026-10.json',
    '<%= config.bin %> statements show 2026-10 --format csv --out october.csv',
    '<%= config.bin %> statements show 2026-10 --prices prices.json',
  ]
  static override readonly args = {
    statement: Args.string({ description: 'Number or period of the statement: 7, 2026-10.', required: true }),
  }
  static override readonly flags = {
    owner: Flags.string({ summary: 'Only the lines of one customer.', helpValue: 'OWNER' }),
    key: Flags.string({ char: 'k', summary: 'Only the lines of one key.', helpValue: 'KEY' }),
    format: Flags.option({ options: ['table', 'csv', 'json', 'markdown'] as const })({
      summary: 'How to write it.',
      default: 'table' as const,
    }),
    'csv-separator': csvSeparatorFlag,
    prices: Flags.string({ summary: 'Multiply with the prices of this file (JSON).', helpValue: 'FILE' }),
    out: Flags.string({
      char: 'o',
      summary: 'Write to a file instead of standard output; the file appears when it is complete.',
      helpValue: 'FILE',
      exclusive: ['json'],
    }),
  }

  async run(): Promise<void> {
    const { args, flags, metadata } = await this.parse(StatementsShow)
    const format = this.oneFormat(flags.format, metadata.flags.format)
    return this.withDatabase(flags, async (db, location) => {
      const [{ showStatement }, { writeOutput }, { withInterruption }] = await Promise.all([
        import('../../../billing/print/show-statement.ts'),
        import('../../write-output.ts'),
        import('../../interruption.ts'),
      ])
      const { pieces, notes } = await showStatement(db, args.statement, { ...flags, format }, location)
      const onTerminal = flags.out === undefined && process.stdout.isTTY
      const text = onTerminal ? this.escaped(pieces) : pieces
      await withInterruption((signal) => writeOutput(text, { file: flags.out, gzip: false, signal }))
      for (const note of notes) this.say(`Note: ${note}`)
    })
  }

  private async *escaped(pieces: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const piece of pieces) yield this.forOutput(piece)
  }
}
