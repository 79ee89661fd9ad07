import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Flags } from '@oclif/core'
import { AnalyticsError } from '../../model/errors.ts'
import { countOf } from '../../terminal/format-number.ts'
import { BaseCommand, exitCodes } from '../base-command.ts'
import type { BaseFlags } from '../base-command.ts'

const SINCE = '7d'
const DEFAULT_PORT = 4601

/** `apikey-analytics demo` */
export default class Demo extends BaseCommand {
  static override readonly summary = 'Play a week of requests to a sample API, and show the reports.'
  static override readonly description = `Serves a Koa app on loopback, sends it real requests from several keys, and counts them in an SQLite file in the folder "demo" of the data folder, separate from real data. Only the clock is moved, so that the requests spread over a week.\n\n${exitCodes()}`
  static override readonly examples = ['<%= config.bin %> demo', '<%= config.bin %> demo --serve']
  static override readonly flags = {
    serve: Flags.boolean({
      summary: 'Then serve a page where each customer sees its own usage, until Ctrl-C.',
    }),
    port: Flags.integer({
      summary: 'Port of that page on 127.0.0.1; 0 for any free port.',
      min: 0,
      max: 65_535,
      helpValue: 'PORT',
      dependsOn: ['serve'],
    }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Demo)
    const folder = await this.demoFolder(flags)
    const { database, dataDir, file } = folder
    if (existsSync(file)) this.say(`Adds to what earlier demos left in ${file}.`)
    this.say(
      'Playing a week: a Koa app on loopback, several API keys, real requests; only the clock is moved …',
    )
    const { playWeek } = await import('../../demo/play-week.ts')
    const requests = await playWeek({
      database,
      dataDir,
      until: Date.now(),
      onError: (error) => this.say(`Warning: ${error.message}`),
    })
    this.say(`${countOf(requests, 'request was', 'requests were')} answered and counted.\n`)
    const reports = await this.report({ ...flags, database, 'data-dir': dataDir })
    this.say(describeNext(folder))
    if (flags.serve) await this.serve(folder, flags.port ?? DEFAULT_PORT)
    return { database: file, dataDir, requests, reports }
  }

  private async serve({ database, dataDir }: DemoFolder, port: number): Promise<void> {
    const [{ servePortal }, { withInterruption }] = await Promise.all([
      import('../../demo/serve-portal.ts'),
      import('../interruption.ts'),
    ])
    await withInterruption(async (signal) => {
      const served = await servePortal({ database, dataDir, port })
      this.say(`\nThe customers of the sample API see their own usage at ${served.url} (Ctrl-C ends).`)
      if (!signal.aborted) await once(signal, 'abort')
      await served.close()
    })
  }

  private async demoFolder(flags: BaseFlags): Promise<DemoFolder> {
    if (flags.database !== undefined) {
      throw new AnalyticsError(
        'WRONG_USAGE',
        'The demo only writes an SQLite file of its own. Leave --database out.',
      )
    }
    const dataDir = join((await this.locate(flags)).dataDir, 'demo')
    const file = join(dataDir, 'usage.db')
    return { dataDir, file, database: `sqlite:${file}` }
  }

  private report(flags: BaseFlags): Promise<object[]> {
    return this.withDatabase(flags, async (db, location) => {
      const [{ readReport }, { renderReportAs }, { toReportJson }] = await Promise.all([
        import('../../report/usage/read-report.ts'),
        import('../../report/render/render-report-as.ts'),
        import('../../report/usage/run-report.ts'),
      ])
      const shown = [{}, { key: 'Charts' }, { endpoint: 'POST /v1/orders' }]
      const reports: object[] = []
      for (const what of shown) {
        const report = await readReport(db, { since: SINCE, tz: 'UTC', format: 'table', ...what }, location)
        this.print(`${renderReportAs('table', report, this.screen(flags))}\n`)
        reports.push(toReportJson(report))
      }
      return reports
    })
  }
}

interface DemoFolder {
  readonly dataDir: string
  readonly file: string
  readonly database: string
}

function describeNext({ dataDir, file }: DemoFolder): string {
  const here = relative(process.cwd(), dataDir)
  const there = `--data-dir ${here.startsWith('..') ? dataDir : here}`
  return [
    `All of it is in ${file} (SQLite). To start again, delete that folder.`,
    'Try next:',
    `  npx apikey-analytics report ${there} --by status --since ${SINCE}`,
    `  npx apikey-analytics report ${there} --by key,day --since ${SINCE}`,
    `  npx apikey-analytics report ${there} --key 'Mobile app'`,
    `  npx apikey-analytics report ${there} --unit tokens --by key --since ${SINCE}`,
    `  npx apikey-analytics keys list ${there}`,
    `  npx apikey-analytics quotas list ${there}`,
    `  npx apikey-analytics export ${there} --format ndjson`,
    `  npx apikey-analytics verify ${there}`,
    'A page for the customers: npx apikey-analytics demo --serve',
  ].join('\n')
}
