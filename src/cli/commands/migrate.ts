import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'
import { confirm } from '../confirm.ts'

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
      summary: 'Only look: exit code 1 when a migration is pending.',
      exclusive: ['dry-run', 'down'],
    }),
    'dry-run': Flags.boolean({ summary: 'Print the SQL and change nothing.', exclusive: ['check', 'down'] }),
    down: Flags.boolean({
      summary: 'Take the newest migration back; what it made is lost with all that it holds.',
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask.', dependsOn: ['down'] }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Migrate)
    const { database } = await this.locate(flags)
    const [store, { describeDatabaseUrl }] = await Promise.all([
      import('../../store/migrate.ts'),
      import('../../store/parse-database-url.ts'),
    ])
    const place = describeDatabaseUrl(database)
    if (flags.check) return this.check(await store.pendingMigrations(database), place)
    if (flags['dry-run']) {
      const sql = await store.printMigrations(database)
      this.print(this.forOutput(sql))
      return { sql }
    }
    if (flags.down) {
      const asked = `Take the newest migration of ${place} back? Its tables and all counts in them are lost.`
      const reverted = (await confirm(asked, flags.yes)) ? await store.revertMigration(database) : undefined
      this.print(reverted ? `Took ${reverted} back in ${place}.\n` : `Nothing was taken back in ${place}.\n`)
      return { reverted: reverted ?? null }
    }
    const { applied } = await store.migrate(database)
    this.print(
      applied.length > 0 ? `Applied ${applied.join(', ')} to ${place}.\n` : `${place} is up to date.\n`,
    )
    return { applied }
  }

  private check(pending: readonly string[], place: string): object {
    if (pending.length > 0) this.differs()
    this.print(
      pending.length > 0 ? `Pending in ${place}: ${pending.join(', ')}.\n` : `${place} is up to date.\n`,
    )
    return { pending }
  }
}
