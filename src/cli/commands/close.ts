import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'
import { usageFlags } from '../usage-flags.ts'

/** `apikey-analytics close` */
export default class Close extends BaseCommand {
  static override readonly summary =
    'Close a month, week or day: write the statement that says what is billed for it.'
  static override readonly description = `A statement never changes. Counts that arrive after it become corrections in the next one. It is refused, with the remedy, when the period is not over or closed already, when an earlier period with usage is open, when a stored row crosses its border, when "verify" does not hold, when counts wait in the data folder, or when counts are missing. docs/billing.md explains the month-end.\n\n${exitCodes('failed or refused')}`
  static override readonly examples = [
    '<%= config.bin %> close --month 2026-10 --tz Europe/Berlin --billable 2xx --dry-run',
    '<%= config.bin %> close --month 2026-10 --tz Europe/Berlin --billable 2xx --sign billing.key',
    '<%= config.bin %> close --week 2026-W40 --billable 2xx,304',
  ]
  static override readonly flags = {
    month: Flags.string({
      summary: 'A month: 2026-10. Or pass --week or --day.',
      helpValue: 'MONTH',
      exactlyOne: ['month', 'week', 'day'],
    }),
    week: Flags.string({ summary: 'A week from Monday, ISO 8601: 2026-W40.', helpValue: 'WEEK' }),
    day: Flags.string({ summary: 'A day: 2026-10-05.', helpValue: 'DAY' }),
    tz: usageFlags.tz,
    billable: Flags.string({
      summary: 'Statuses that are billed: 2xx, or 2xx,304.',
      helpValue: 'STATUS',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      required: true,
    }),
    'accept-missing': Flags.string({
      summary:
        'Bill although exactly this many requests, or this much of a unit (tokens=1200), were counted and never arrived; the statement says so. Repeatable.',
      helpValue: 'N|UNIT=N',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    sign: Flags.string({ summary: 'Sign with this Ed25519 private key (PEM).', helpValue: 'KEYFILE' }),
    'dry-run': Flags.boolean({ summary: 'Show the statement, and what is in its way; change nothing.' }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Close)
    return this.withDatabase(flags, async (db, { dataDir }) => {
      const [{ runClose }, { withInterruption }] = await Promise.all([
        import('../../billing/close/run-close.ts'),
        import('../interruption.ts'),
      ])
      const { text, warnings, refused, result } = await withInterruption((signal) =>
        runClose(db, dataDir, flags, signal),
      )
      this.print(this.forOutput(text))
      for (const warning of warnings) this.say(`Note: ${warning}`)
      if (refused) this.differs()
      return result
    })
  }
}
