import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../../base-command.ts'

/** `apikey-analytics keys list` */
export default class KeysList extends BaseCommand {
  static override readonly summary =
    'List the keys: who owns them, when they were last used, how much in 30 days.'
  static override readonly description = exitCodes()
  static override readonly examples = [
    '<%= config.bin %> keys list',
    '<%= config.bin %> keys list --unused-for 30d',
    '<%= config.bin %> keys list --owner acme --json',
  ]
  static override readonly flags = {
    'unused-for': Flags.string({ summary: 'Only keys not used for this long: 30d, 4w.', helpValue: 'AGE' }),
    owner: Flags.string({ summary: 'Only the keys of one owner.', helpValue: 'OWNER' }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(KeysList)
    return this.withDatabase(flags, async (db, location) => {
      const { readKeys, renderKeys } = await import('../../../report/keys/read-keys.ts')
      const { 'unused-for': unusedFor, owner } = flags
      const keys = await readKeys(db, { unusedFor, owner })
      const { dataDir } = location
      const isFiltered = unusedFor !== undefined || owner !== undefined
      const about = { databaseLabel: db.databaseLabel, dataDir, isFiltered }
      this.print(renderKeys(keys, about, this.screen(flags)))
      return { database: db.databaseLabel, dataDir, keys }
    })
  }
}
