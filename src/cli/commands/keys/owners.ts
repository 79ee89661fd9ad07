import { Args } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics keys owners` */
export default class KeysOwners extends BaseCommand {
  static override readonly summary = 'Show who owned a key and when, and whether the app or a person set it.'
  static override readonly description = exitCodes()
  static override readonly examples = ["<%= config.bin %> keys owners 'Mobile app'"]
  static override readonly args = {
    key: Args.string({ description: 'Name, label, id or a unique start of it.', required: true }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(KeysOwners)
    return this.withDatabase(flags, async (db, location) => {
      const [{ findKey }, { findOwners }, { renderOwners }] = await Promise.all([
        import('../../../report/question/find-key.ts'),
        import('../../../store/keys/key-owners.ts'),
        import('../../../report/keys/render-owners.ts'),
      ])
      const key = await findKey(db, args.key, location)
      const owners = await findOwners(db, key.id)
      this.print(
        renderOwners(
          key,
          owners,
          { databaseLabel: db.databaseLabel, dataDir: location.dataDir },
          this.screen(flags),
        ),
      )
      return { database: db.databaseLabel, dataDir: location.dataDir, key, owners }
    })
  }
}
