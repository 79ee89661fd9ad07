import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics import` */
export default class Import extends BaseCommand {
  static override readonly summary = 'Import usage that was counted elsewhere: in reports, but never billed.'
  static override readonly description = `Reads an export of apikey-analytics (CSV, JSON or NDJSON, also compressed with gzip), any CSV, JSON or NDJSON file whose columns you name, or a dump of drf-simple-apikey. One wrong line, and nothing is imported: the file is read completely before anything is stored, and stored in one transaction. Imported rows are marked: "verify" lists them apart, quotas, statements, alerts and what customers see of themselves leave them out, and "imports remove" takes an import back.\n\nFields of --columns: key (the id of a key, as the app gives it to setApiKey) or secret (the key itself: it is hashed and never stored), time, endpoint, method, status, requests (default: each row is one request), name, owner, unit.NAME (a quantity).\n\n${exitCodes('failed or interrupted')}`
  static override readonly examples = [
    '<%= config.bin %> import usage.csv.gz --dry-run',
    '<%= config.bin %> import legacy.csv --columns key=api_key,time=ts,endpoint=path,requests=hits --tz Europe/Berlin',
    '<%= config.bin %> import days.csv --columns secret=token,time=date,requests=calls,unit.tokens=used --bucket day',
    'python manage.py dumpdata drf_simple_apikey_analytics | <%= config.bin %> import - --day 2026-10-31 --as django',
  ]
  static override readonly args = {
    file: Args.string({ description: 'The file; - is standard input.', required: true }),
  }
  static override readonly flags = {
    as: Flags.string({ summary: 'A name for the import; default: the name of the file.', helpValue: 'NAME' }),
    columns: Flags.string({
      summary: 'Which column is what, for a file with columns of its own.',
      helpValue: 'FIELD=COLUMN[,…]',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    bucket: Flags.option({ options: ['minute', 'hour', 'day'] as const })({
      summary: 'Into how long buckets the times go; day: each row is a UTC day. Default: hour.',
    }),
    tz: Flags.string({
      summary: 'Time zone (IANA) of times without an offset. Default: UTC.',
      helpValue: 'ZONE',
    }),
    day: Flags.string({
      summary: 'The UTC day of all rows, for a file without times: 2026-10-31.',
      helpValue: 'DATE',
    }),
    method: Flags.string({
      summary: 'Method of the rows of a file without methods. Default: _OTHER.',
      helpValue: 'METHOD',
    }),
    status: Flags.integer({
      summary: 'Status of the rows of a file without statuses. Default: 200.',
      helpValue: 'STATUS',
    }),
    overlap: Flags.boolean({
      summary: 'Import although the database has counts of the same time: the file has other requests.',
    }),
    'dry-run': Flags.boolean({ summary: 'Show what would be imported and change nothing.' }),
    progress: Flags.boolean({ summary: 'Show a progress bar on a terminal.', default: true, allowNo: true }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Import)
    return this.withDatabase(flags, async (db, location) => {
      const [{ runImport }, { startProgressBar }, { withInterruption }] = await Promise.all([
        import('../../imports/run-import.ts'),
        import('../../terminal/progress-bar.ts'),
        import('../interruption.ts'),
      ])
      const bar = await startProgressBar('rows', flags.progress && !this.jsonEnabled())
      try {
        const { text, notes, result } = await withInterruption((signal) =>
          runImport(db, flags, {
            path: args.file,
            stdin: process.stdin,
            pepper: location.environment.APIKEY_ANALYTICS_PEPPER || undefined,
            bar,
            signal,
          }),
        )
        this.print(this.forOutput(text))
        for (const note of notes) this.say(`Note: ${note}`)
        return { database: db.databaseLabel, ...result }
      } finally {
        bar.stop()
      }
    })
  }
}
