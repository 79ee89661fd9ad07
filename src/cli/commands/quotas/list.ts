import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics quotas list` */
export default class QuotasList extends BaseCommand {
  static override readonly summary = 'List the quotas and what was used of them, the most used first.'
  static override readonly description = exitCodes()
  static override readonly examples = [
    '<%= config.bin %> quotas list',
    '<%= config.bin %> quotas list --format csv',
  ]
  static override readonly flags = {
    format: Flags.option({ options: ['table', 'csv', 'json', 'markdown'] as const })({
      summary: 'How to write it; csv has plain numbers and UTC times.',
      default: 'table' as const,
    }),
  }

  async run(): Promise<object> {
    const { flags, metadata } = await this.parse(QuotasList)
    const format = this.oneFormat(flags.format, metadata.flags.format)
    return this.withDatabase(flags, async (db, location) => {
      const [{ readQuotaList }, { renderQuotas }, { renderJson }, { noteUndelivered }] = await Promise.all([
        import('../../../report/quotas/read-quota-list.ts'),
        import('../../../report/quotas/render-quotas.ts'),
        import('../../../report/render/render-json.ts'),
        import('../../../report/notes/note-undelivered.ts'),
      ])
      const where = { databaseLabel: db.databaseLabel, dataDir: location.dataDir }
      const [list, notes] = [await readQuotaList(db), await noteUndelivered(db, location.dataDir)]
      const found = { database: db.databaseLabel, dataDir: location.dataDir, ...list, notes }
      if (format === 'json') this.print(renderJson(found))
      else {
        const text = renderQuotas(list, where, format, this.screen(flags))
        this.print(format === 'csv' ? this.forOutput(text) : text)
        for (const note of notes) this.say(`Note: ${note}`)
      }
      return found
    })
  }
}
