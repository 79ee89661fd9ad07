import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics imports remove` */
export default class ImportsRemove extends BaseCommand {
  static override readonly summary =
    'Remove an import as a whole: its rows, and the keys that only it brought.'
  static override readonly description = `In one transaction. A key stays when it has other rows, a quota, or a name or owner that a person set. The same file can be imported again then.\n\n${exitCodes()}`
  static override readonly examples = ['<%= config.bin %> imports remove 3 --yes']
  static override readonly args = {
    import: Args.integer({ description: 'The number of the import, as in "imports list".', required: true }),
  }
  static override readonly flags = {
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask for confirmation.' }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ImportsRemove)
    return this.withDatabase(flags, async (db) => {
      const [{ planRemoval, runRemoval }, { confirm }] = await Promise.all([
        import('../../../imports/run-removal.ts'),
        import('../../confirm.ts'),
      ])
      const plan = await planRemoval(db, args.import)
      this.say(plan.text)
      if (!(await confirm('Go ahead?', flags.yes))) {
        this.say('Nothing was changed.')
        return { ...plan.result, done: false }
      }
      const { text, result } = await runRemoval(db, args.import)
      this.print(text)
      return result
    })
  }
}
