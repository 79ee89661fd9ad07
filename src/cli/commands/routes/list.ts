import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics routes list` */
export default class RoutesList extends BaseCommand {
  static override readonly summary =
    'List the routes of the apps (option routes), when they were called last, and which are deprecated.'
  static override readonly description = exitCodes()
  static override readonly examples = [
    '<%= config.bin %> routes list',
    '<%= config.bin %> routes list --format csv',
  ]
  static override readonly flags = {
    format: Flags.option({ options: ['table', 'csv', 'json', 'markdown'] as const })({
      summary: 'How to write it; csv has UTC times.',
      default: 'table' as const,
    }),
  }

  async run(): Promise<object> {
    const { flags, metadata } = await this.parse(RoutesList)
    const format = this.oneFormat(flags.format, metadata.flags.format)
    return this.withDatabase(flags, async (db, location) => {
      const [{ readRouteList }, { renderList, toListJson }] = await Promise.all([
        import('../../../report/routes/read-route-list.ts'),
        import('../../../report/render/list-report.ts'),
      ])
      const list = await readRouteList(db, location)
      const text = renderList(list, format, this.screen(flags))
      this.print(format === 'csv' ? this.forOutput(text) : text)
      return toListJson(list)
    })
  }
}
