import { Flags } from '@oclif/core'
import type { AnalyticsError } from '../../model/errors.ts'
import { countOf } from '../../terminal/format-number.ts'
import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics flush` */
export default class Flush extends BaseCommand {
  static override readonly summary = 'Deliver the counts that dead processes left in the data folder.'
  static override readonly description = `Running processes deliver their own counts, and those of dead processes within a minute. Use this command for folders whose app does not start again.\n\n${exitCodes('failed or something had to stay')}`
  static override readonly examples = [
    '<%= config.bin %> flush',
    '<%= config.bin %> flush --data-dir /var/lib/api/analytics --adopt',
    '<%= config.bin %> flush --set-aside',
  ]
  static override readonly flags = {
    'set-aside': Flags.boolean({
      summary:
        'Also deliver the batches that the database refused, after the cause is repaired; each counts once.',
    }),
    adopt: Flags.boolean({
      summary:
        'Also deliver requests that were counted for another database. If that database has them already, they are in both.',
    }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Flush)
    return this.withDatabase(flags, async (db, { database, dataDir }) => {
      const [{ openStore }, { deliverDataDir }, { requireDataDir }] = await Promise.all([
        import('../../store/open-store.ts'),
        import('../../buffer/deliver-data-dir.ts'),
        import('../require-data-dir.ts'),
      ])
      requireDataDir(dataDir, 'Run this in the working directory of the app, or pass --data-dir.')
      // The ids in counter files are computed already: no pepper is needed to deliver them.
      const store = openStore({ url: database, pepperCheck: '' })
      const report = (error: AnalyticsError) => {
        this.differs()
        this.say(`Warning: ${error.message}`)
      }
      try {
        const parts = { dataDir, store, adopt: flags.adopt, report }
        const delivered = await deliverDataDir(parts)
        if (flags['set-aside']) {
          const { deliverSetAside } = await import('../../buffer/set-aside/deliver-set-aside.ts')
          const { requests, batches } = await deliverSetAside(parts)
          delivered.requests += requests
          delivered.batches += batches
        }
        this.print(`${describeDelivered(delivered, dataDir, db.databaseLabel, flags['set-aside'])}\n`)
        return { database: db.databaseLabel, dataDir, ...delivered }
      } finally {
        await store.close()
      }
    })
  }
}

function describeDelivered(
  { requests, batches }: { requests: number; batches: number },
  dataDir: string,
  databaseLabel: string,
  setAside: boolean,
): string {
  if (batches === 0) {
    const nothing = setAside
      ? 'no batch is set aside and no dead process left counts'
      : 'no dead process left counts'
    return `Nothing to deliver: ${nothing} in ${dataDir}.`
  }
  const many = countOf(batches, 'batch', 'batches')
  return `Delivered ${countOf(requests, 'request')} in ${many} from ${dataDir} to ${databaseLabel}.`
}
