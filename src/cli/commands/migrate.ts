import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'
import { confirm } from '../confirm.ts'
import type { PendingWork } from '../../store/database/migrate.ts'

/** `apikey-analytics migrate` */
export default class Migrate extends BaseCommand {
  static override readonly summary = 'Create or update the tables; safe to run from many processes at once.'
  static override readonly description = exitCodes('failed, or --check found migrations to apply')
  static override readonly examples = [
    '<%= config.bin %> migrate',
    '<%= config.bin %> migrate --check',
    '<%= config.bin %> migrate --dry-run > migration.sql',
    '<%= config.bin %> migrate --down --yes',
  ]
  static override readonly flags = {
    check: Flags.boolean({
      summary: 'Change nothing; exit code 1 when there is something to do.',
      exclusive: ['dry-run', 'down'],
    }),
    'dry-run': Flags.boolean({ summary: 'Print the SQL and change nothing.', exclusive: ['check', 'down'] }),
    down: Flags.boolean({
      summary:
        'Undo the newest migration; the tables and columns that it created are deleted with their data.',
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask for confirmation.', dependsOn: ['down'] }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Migrate)
    const { database } = await this.locate(flags)
    const [store, { describeDatabaseUrl }] = await Promise.all([
      import('../../store/database/migrate.ts'),
      import('../../options/parse-database-url.ts'),
    ])
    const databaseLabel = describeDatabaseUrl(database)
    const wait = { onWait: (message: string) => this.say(message) }
    if (flags.check) {
      return this.check(await store.findPendingWork(database), databaseLabel)
    }
    if (flags['dry-run']) {
      const sql = await store.printMigrations(database)
      this.print(this.forOutput(sql))
      return { sql }
    }
    if (flags.down) {
      const asked = `Take the newest migration of ${databaseLabel} back? Its tables and all counts in them are lost.`
      const reverted = (await confirm(asked, flags.yes))
        ? await store.revertMigration(database, wait)
        : undefined
      this.print(
        reverted
          ? `Took ${reverted} back in ${databaseLabel}.\n`
          : `Nothing was taken back in ${databaseLabel}.\n`,
      )
      return { reverted: reverted ?? null }
    }
    const { applied, distributed } = await store.migrate(database, wait)
    this.report(databaseLabel, [
      ['Applied', applied, `to ${databaseLabel}`],
      ['Distributed', distributed, `over the workers of Citus in ${databaseLabel}`],
    ])
    return { applied, distributed }
  }

  private check({ pending, undistributed }: PendingWork, databaseLabel: string): object {
    if (pending.length + undistributed.length > 0) this.differs()
    this.report(databaseLabel, [
      [`Pending in ${databaseLabel}:`, pending],
      [`To be distributed over the workers of Citus in ${databaseLabel}:`, undistributed],
    ])
    return { pending, undistributed }
  }

  /** One line for each list that is not empty. */
  private report(
    databaseLabel: string,
    lists: readonly (readonly [string, readonly string[], string?])[],
  ): void {
    const lines = lists
      .filter(([, names]) => names.length > 0)
      .map(([before, names, after]) => [before, names.join(', '), after].filter(Boolean).join(' '))
    for (const line of lines.length > 0 ? lines : [`${databaseLabel} is up to date`]) this.print(`${line}.\n`)
  }
}
