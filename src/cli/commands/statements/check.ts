import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics statements check` */
export default class StatementsCheck extends BaseCommand {
  static override readonly summary =
    'Check that nothing in a statement was changed: all of the database, one, or a file.'
  static override readonly description = `Computes every hash again: lines, header, chain, signature. A file is one of "statements show --format json", of a whole statement or of one customer; checking it needs no database, so a customer can do it.\n\n${exitCodes('failed or something was changed')}`
  static override readonly examples = [
    '<%= config.bin %> statements check',
    '<%= config.bin %> statements check 2026-10',
    '<%= config.bin %> statements check acme-2026-10.json --public-key billing.pub',
  ]
  static override readonly args = {
    'statement-or-file': Args.string({
      description: 'Number or period of a statement, or a file; without it all statements.',
    }),
  }
  static override readonly flags = {
    'public-key': Flags.string({
      summary: 'The public key (PEM) of the one who must have signed it.',
      helpValue: 'FILE',
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(StatementsCheck)
    const which = args['statement-or-file']
    const [{ isFile, runCheck }, { renderCheck }] = await Promise.all([
      import('../../../billing/check/run-check.ts'),
      import('../../../billing/check/render-check.ts'),
    ])
    const order = { which, publicKey: flags['public-key'] }
    const check = isFile(which)
      ? await runCheck(undefined, order)
      : await this.withDatabase(flags, (db) => runCheck(db, order))
    if (!check.intact) this.differs()
    this.print(this.forOutput(renderCheck(check)))
    return check
  }
}
