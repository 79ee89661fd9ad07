import { Args, Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'
import { usageFlags } from '../../usage-flags.ts'

/** `apikey-analytics keys name` */
export default class KeysName extends BaseCommand {
  static override readonly summary =
    'Give a key a name or an owner that the app does not change; an empty text lets the app set it again.'
  static override readonly description = `An owner without --from holds for all time if the key never had an owner, else from the current hour on: earlier usage stays with the former owner. --from and --until correct the past. "keys owners" lists the owners of a key.\n\n${exitCodes()}`
  static override readonly examples = [
    "<%= config.bin %> keys name sk_l…9f2a --name 'Mobile app' --owner acme",
    "<%= config.bin %> keys name 'Mobile app' --owner beta --from 2026-11-15 --tz Europe/Berlin",
    "<%= config.bin %> keys name 'Mobile app' --owner ''",
  ]
  static override readonly args = {
    key: Args.string({ description: 'Name, label, id or a unique start of it.', required: true }),
  }
  static override readonly flags = {
    name: Flags.string({ summary: 'Its name.', helpValue: 'NAME', atLeastOne: ['name', 'owner'] }),
    owner: Flags.string({ summary: 'Its owner.', helpValue: 'OWNER' }),
    from: Flags.string({
      summary: 'Since when it is the owner: a date or time, or 7d ago.',
      helpValue: 'TIME',
      dependsOn: ['owner'],
    }),
    until: Flags.string({
      summary: 'Until when it was the owner, not included.',
      helpValue: 'TIME',
      dependsOn: ['owner'],
    }),
    tz: usageFlags.tz,
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(KeysName)
    return this.withDatabase(flags, async (db, location) => {
      const [{ findKey }, { nameKey }, { nameOfKey }, { parseInstant, parseTimeZone }] = await Promise.all([
        import('../../../report/question/find-key.ts'),
        import('../../../store/keys/name-key.ts'),
        import('../../../report/usage/group-names.ts'),
        import('../../../time/period.ts'),
      ])
      const timeZone = parseTimeZone(flags.tz)
      const now = new Date()
      const read = (text: string | undefined): Date | undefined =>
        text === undefined ? undefined : parseInstant(text, timeZone, now)
      const { id } = await findKey(db, args.key, location)
      await nameKey(db, id, {
        // an empty text gives it back to the app
        name: flags.name === '' ? null : flags.name,
        owner: flags.owner === '' ? null : flags.owner,
        from: read(flags.from),
        until: read(flags.until),
      })
      const key = await findKey(db, id, location)
      this.print(this.forOutput(`${key.id} is ${nameOfKey(key)}, owner ${key.owner ?? '(none)'}.\n`))
      return { key }
    })
  }
}
