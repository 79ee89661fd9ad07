import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics verify` */
export default class Verify extends BaseCommand {
  static override readonly summary =
    'Prove that every counted request is in the database, was removed on purpose, or waits on this machine.'
  static override readonly description = `In one snapshot, compares what is in the table and what was pruned with what was delivered, and every histogram of durations with the requests of its row. Lists what is missing, not delivered yet, or set aside.\n\n${exitCodes('failed or not all is accounted for')}`
  static override readonly examples = ['<%= config.bin %> verify', '<%= config.bin %> verify --json']

  async run(): Promise<object> {
    const { flags } = await this.parse(Verify)
    return this.withDatabase(flags, async (db, location) => {
      const [{ readAccount }, { renderAccount }] = await Promise.all([
        import('../../report/account/read-account.ts'),
        import('../../report/account/render-account.ts'),
      ])
      const account = await readAccount(db, location.dataDir, { histograms: true })
      if (!account.accountedFor) this.differs()
      this.print(renderAccount(account, this.screen(flags)))
      return account
    })
  }
}
