import { once } from 'node:events'
import { Flags } from '@oclif/core'
import { BaseCommand, exitCodes } from '../base-command.ts'

/** `apikey-analytics dashboard` */
export default class Dashboard extends BaseCommand {
  static override readonly summary = 'Show usage in the browser, on this machine only.'
  static override readonly description = `Prints a link that works once, for one browser, until Ctrl-C ends the command. The page only reads. To show it to others, mount analyticsDashboard() in an app.\n\n${exitCodes()}`
  static override readonly examples = [
    '<%= config.bin %> dashboard --open',
    '<%= config.bin %> dashboard --port 8080 --database postgres://…',
  ]
  static override readonly flags = {
    port: Flags.integer({
      summary: 'Port on 127.0.0.1; 0 for any free port.',
      default: 4600,
      min: 0,
      max: 65_535,
      helpValue: 'PORT',
    }),
    open: Flags.boolean({ summary: 'Open the link in the browser.' }),
  }

  async run(): Promise<undefined> {
    const { flags } = await this.parse(Dashboard)
    const { databaseLabel, location } = await this.withDatabase(flags, async (db, location) => {
      return { databaseLabel: db.databaseLabel, location }
    })
    const [{ serveDashboard }, { withInterruption }] = await Promise.all([
      import('../../dashboard/serve-dashboard.ts'),
      import('../interruption.ts'),
    ])
    await withInterruption(async (signal) => {
      const served = await serveDashboard({ ...location, port: flags.port })
      if (this.jsonEnabled()) this.logJson({ url: served.url, database: databaseLabel })
      else this.print(`${served.url}\n`)
      this.say(`The dashboard of ${databaseLabel}. The link works once; Ctrl-C ends.`)
      if (flags.open) await this.open(served.url)
      if (!signal.aborted) await once(signal, 'abort')
      await served.close()
    })
    return undefined
  }

  private async open(url: string): Promise<void> {
    const { openBrowser } = await import('../open-browser.ts')
    await openBrowser(url).catch(() => this.say('No browser could be opened: open the link yourself.'))
  }
}
