import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics keys name` */
export default class KeysName extends BaseCommand {
  static override readonly summary = 'Give a key a name or an owner; an empty text takes it away.'
  static override readonly description = exitCodes()
  static override readonly examples = [
    "<%= config.bin %> keys name sk_l…9f2a --name 'Mobile app' --owner acme",
    "<%= config.bin %> keys name 'Mobile app' --owner ''",
  ]
  static override readonly args = {
    key: Args.string({ description: 'Name, label, id or a unique start of it.', required: true }),
  }
  static override readonly flags = {
    name: Flags.string({ summary: 'Its name.', helpValue: 'NAME', atLeastOne: ['name', 'owner'] }),
    owner: Flags.string({ summary: 'Its owner.', helpValue: 'OWNER' }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(KeysName)
    return this.withDatabase(flags, async (db, place) => {
      const [{ findKey }, { nameKey }, { nameOfKey }] = await Promise.all([
        import('../../find-key.ts'),
        import('../../../store/name-key.ts'),
        import('../../../report/report-table.ts'),
      ])
      const { id } = await findKey(db, args.key, place)
      await nameKey(db, id, {
        ...(flags.name !== undefined && { name: flags.name || null }),
        ...(flags.owner !== undefined && { owner: flags.owner || null }),
      })
      const key = await findKey(db, id, place)
      this.print(this.forOutput(`${key.id} is ${nameOfKey(key)}, owner ${key.owner ?? '(none)'}.\n`))
      return { key }
    })
  }
}
