import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics imports list` */
export default class ImportsList extends BaseCommand {
  static override readonly summary = 'List the imports: what they brought, and of which time.'
  static override readonly description = exitCodes()
  static override readonly examples = [
    '<%= config.bin %> imports list',
    '<%= config.bin %> imports list --json',
  ]

  async run(): Promise<object> {
    const { flags } = await this.parse(ImportsList)
    return this.withDatabase(flags, async (db, { dataDir }) => {
      const [{ findImports }, { renderImports }] = await Promise.all([
        import('../../../store/imports/find-imports.ts'),
        import('../../../imports/render-imports.ts'),
      ])
      const imports = await findImports(db)
      const about = { databaseLabel: db.databaseLabel, dataDir }
      this.print(renderImports(imports, about, this.screen(flags)))
      return { database: db.databaseLabel, dataDir, imports }
    })
  }
}
