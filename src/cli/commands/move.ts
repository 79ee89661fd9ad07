import { Flags } from '@oclif/core'
import type { Database } from '../../store/database/open-database.ts'
import { AnalyticsError } from '../../model/errors.ts'
import { countOf } from '../../terminal/format-number.ts'
import type { Moved } from '../../move/run-move.ts'
import type { ProgressBar } from '../../terminal/progress-bar.ts'
import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics move` */
export default class Move extends BaseCommand {
  static override readonly summary = 'Move everything to another database while the app runs.'
  static override readonly description = `Copies all tables to the database of --to, SQLite or PostgreSQL, and makes that the active one. Meanwhile the app counts in its counter files; when it is restarted with the new DATABASE_URL, it delivers them there. Creates the tables of the target, which must have no rows, or be where these rows were before. May be killed at any point and run again: it goes on, and at most one of both databases accepts changes.\n\n${exitCodes('failed or interrupted')}`
  static override readonly examples = [
    '<%= config.bin %> move --to postgres://user:password@db.internal:5432/usage',
    '<%= config.bin %> move --database postgres://user:password@db.internal:5432/usage --to sqlite:/srv/usage.db',
    '<%= config.bin %> move --cancel --to postgres://user:password@db.internal:5432/usage',
  ]
  static override readonly flags = {
    to: Flags.string({
      summary: 'URL of the new database (APIKEY_ANALYTICS_MOVE_TO).',
      helpValue: 'URL',
    }),
    cancel: Flags.boolean({
      summary: 'End a move that is not finished: the database is active again where it was.',
    }),
    'target-is-gone': Flags.boolean({
      summary:
        'Cancel without asking the new database, because it does not exist any more; if it does, counts may go to both.',
      dependsOn: ['cancel'],
      exclusive: ['to'],
    }),
    progress: Flags.boolean({ summary: 'Show a progress bar on a terminal.', default: true, allowNo: true }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Move)
    return this.withDatabase(flags, async (db, { environment, dataDir }) => {
      const to = flags.to ?? (environment.APIKEY_ANALYTICS_MOVE_TO || undefined)
      if (flags.cancel) return this.cancel(db, flags['target-is-gone'] ? undefined : to, flags)
      if (to === undefined) throw new AnalyticsError('WRONG_USAGE', 'Name the new database with --to.')
      return this.move(db, to, dataDir, flags.progress)
    })
  }

  private async move(db: Database, to: string, dataDir: string, progress: boolean): Promise<object> {
    const [{ runMove }, { startProgressBar }, { withInterruption }] = await Promise.all([
      import('../../move/run-move.ts'),
      import('../../terminal/progress-bar.ts'),
      import('../interruption.ts'),
    ])
    let bar: ProgressBar | undefined
    try {
      const moved = await withInterruption((signal) =>
        runMove(db, to, {
          signal,
          dataDir,
          onStep: async (step, rows) => {
            bar?.stop()
            this.say(step)
            bar = await startProgressBar('rows', rows !== undefined && progress && !this.jsonEnabled())
          },
          onProgress: (done, rows) => bar?.update(done, rows),
          wait: { onWait: (message) => this.say(message) },
        }),
      )
      bar?.stop()
      this.print(describeMoved(moved))
      return moved
    } finally {
      bar?.stop()
    }
  }

  private async cancel(
    db: Database,
    to: string | undefined,
    { 'target-is-gone': force }: { 'target-is-gone': boolean },
  ): Promise<object> {
    const { cancelMove } = await import('../../move/cancel-move.ts')
    const cancelled = await cancelMove(db, to, { force })
    this.print(
      cancelled.cancelled
        ? `Cancelled: ${cancelled.from} is active again. ${cancelled.to} accepts no changes; a move may fill it again.\n`
        : `Nothing to cancel: ${cancelled.from} is active.\n`,
    )
    return cancelled
  }
}

const NEXT = 'Set DATABASE_URL to it and restart the app: what was counted meanwhile is delivered there.'

function describeMoved({ from, to, done, tables }: Moved): string {
  if (done === 'nothing') return `${from} moved to ${to} before. ${NEXT}\n`
  if (done === 'finish') return `Finished: ${from} moved to ${to}. ${NEXT}\n`
  const rows = Object.values(tables).reduce((sum, count) => sum + count, 0)
  return `Moved ${countOf(rows, 'row')} from ${from} to ${to}. ${NEXT}\n`
}
