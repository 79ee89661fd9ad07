import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics statements list` */
export default class StatementsList extends BaseCommand {
  static override readonly summary = 'List the statements of closed periods.'
  static override readonly description = exitCodes()
  static override readonly examples = [
    '<%= config.bin %> statements list',
    '<%= config.bin %> statements list --json',
  ]

  async run(): Promise<object> {
    const { flags } = await this.parse(StatementsList)
    return this.withDatabase(flags, async (db) => {
      const [{ findStatements }, { renderStatementList }] = await Promise.all([
        import('../../../billing/statement/read-statement.ts'),
        import('../../../billing/print/render-statement-list.ts'),
      ])
      const statements = await findStatements(db)
      this.print(renderStatementList(statements, this.screen(flags)))
      return { statements }
    })
  }
}
