import { Flags } from '@oclif/core'
import type { AnalyticsError } from '../../model/errors.ts'
import { formatCount } from '../../report/format-number.ts'
import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics flush` */
export default class Flush extends BaseCommand {
  static override readonly summary = 'Deliver what processes that died left in the data folder.'
  static override readonly description = `Running processes deliver their own counts, and those of dead ones within a minute: this is for folders whose app is not started again.\n\n${exitCodes('failed or something had to stay')}`
  static override readonly examples = [
    '<%= config.bin %> flush',
    '<%= config.bin %> flush --data-dir /var/lib/api/analytics --adopt',
    '<%= config.bin %> flush --set-aside',
  ]
  static override readonly flags = {
    'set-aside': Flags.boolean({
      summary:
        'Send batches that were set aside too, once what refused them is mended; each is counted once.',
    }),
    adopt: Flags.boolean({
      summary:
        'Send requests that were counted for another database, or tried on it, too. If that one took them, they are counted in both.',
    }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Flush)
    return this.withDatabase(flags, async (db, { database, dataDir }) => {
      const [{ openStore }, { deliverDataDir }] = await Promise.all([
        import('../../store/open-store.ts'),
        import('../../buffer/deliver-data-dir.ts'),
      ])
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
          const { deliverSetAside } = await import('../../buffer/deliver-set-aside.ts')
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
  const many = `${formatCount(batches)} ${batches === 1 ? 'batch' : 'batches'}`
  return `Delivered ${formatCount(requests)} requests in ${many} from ${dataDir} to ${databaseLabel}.`
}
