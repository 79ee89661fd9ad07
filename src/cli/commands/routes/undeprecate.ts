import { BaseCommand, exitCodes } from '../../base-command.ts'
import { routeArgs } from '../../route-args.ts'

/** `apikey-analytics routes undeprecate` */
export default class RoutesUndeprecate extends BaseCommand {
  static override readonly summary = 'Take the deprecation of a route back.'
  static override readonly description = exitCodes()
  static override readonly examples = ["<%= config.bin %> routes undeprecate 'GET /v1/old'"]
  static override readonly args = routeArgs

  async run(): Promise<object> {
    const { args, flags } = await this.parse(RoutesUndeprecate)
    return this.withDatabase(flags, async (db) => {
      const { runUndeprecate } = await import('../../../report/routes/run-deprecate.ts')
      const { text, ...result } = await runUndeprecate(db, args.route)
      this.print(this.forOutput(text))
      return result
    })
  }
}
