import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics prune` */
export default class Prune extends BaseCommand {
  static override readonly summary =
    'Delete old rows, or merge them into day rows; logged, so totals can still be proved.'
  static override readonly description = `Works in small steps, so that other writers do not wait. Ctrl-C ends it safely; run it again to continue.\n\n${exitCodes('failed or interrupted')}`
  static override readonly examples = [
    '<%= config.bin %> prune --older-than 90d --dry-run',
    '<%= config.bin %> prune --older-than 90d --yes',
    '<%= config.bin %> prune --before 2026-01-01 --key acme',
    '<%= config.bin %> prune --roll-up day --older-than 30d --key acme',
  ]
  static override readonly flags = {
    'older-than': Flags.string({
      summary: 'Rows that ended longer ago than this: 90d, 4w; whole UTC days. Or pass --before.',
      helpValue: 'AGE',
      exactlyOne: ['older-than', 'before'],
    }),
    before: Flags.string({
      summary: 'Rows that ended by this date or time (UTC), not later than now.',
      helpValue: 'TIME',
    }),
    'roll-up': Flags.option({ options: ['day'] as const })({
      summary: 'Keep the counts: merge hour and minute rows into UTC day rows.',
    }),
    key: Flags.string({ char: 'k', summary: 'Only the rows of one key.', helpValue: 'KEY' }),
    'dry-run': Flags.boolean({ summary: 'Show the numbers and change nothing.' }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask for confirmation.' }),
    progress: Flags.boolean({ summary: 'Show a progress bar on a terminal.', default: true, allowNo: true }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Prune)
    return this.withDatabase(flags, async (db, location) => {
      const { planPrune, runPrune } = await import('../../removal/run-prune.ts')
      const plan = await planPrune(db, flags, location)
      this.say(plan.text)
      if (flags['dry-run'] || plan.isEmpty) return plan.result
      const { confirm } = await import('../confirm.ts')
      if (!(await confirm('Go ahead?', flags.yes))) {
        this.say('Nothing was changed.')
        return { ...plan.result, done: false }
      }
      const [{ startProgressBar }, { withInterruption }] = await Promise.all([
        import('../../terminal/progress-bar.ts'),
        import('../interruption.ts'),
      ])
      const bar = await startProgressBar('rows', flags.progress && !this.jsonEnabled())
      try {
        const { text, result } = await withInterruption((signal) => runPrune(db, plan, bar, signal))
        this.print(text)
        return result
      } finally {
        bar.stop()
      }
    })
  }
}
