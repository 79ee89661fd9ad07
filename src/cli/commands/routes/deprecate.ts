import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { routeArgs } from '../../route-args.ts'

/** `apikey-analytics routes deprecate` */
export default class RoutesDeprecate extends BaseCommand {
  static override readonly summary =
    'Deprecate a route, or change since when, until when or the page about it.'
  static override readonly description = `Apps with the option deprecationHeaders tell it to the clients of the route from their next flush on. The route keeps answering. "report --deprecated" shows who still calls it.\n\n${exitCodes()}`
  static override readonly examples = [
    "<%= config.bin %> routes deprecate 'GET /v1/old' --sunset 2027-01-01",
    '<%= config.bin %> routes deprecate /v1/old --since 2026-11-01 --link https://example.com/v2',
  ]
  static override readonly args = routeArgs
  static override readonly flags = {
    sunset: Flags.string({
      summary: 'When it stops answering (UTC); default: as before, else not decided.',
      helpValue: 'DATE',
    }),
    since: Flags.string({
      summary: 'Since when it is deprecated (UTC), may be in the future; default: as before, else now.',
      helpValue: 'DATE',
    }),
    link: Flags.string({ summary: 'A page about it, sent as Link.', helpValue: 'URL' }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(RoutesDeprecate)
    return this.withDatabase(flags, async (db) => {
      const { runDeprecate } = await import('../../../report/routes/run-deprecate.ts')
      const { text, ...result } = await runDeprecate(db, args.route, flags)
      this.print(this.forOutput(text))
      return result
    })
  }
}
