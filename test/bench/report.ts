/**
 * Times reports and exports on many rows against the best SQL and `psql \copy`, in one run:
 * `npm run bench:report -- [rows, default 10000000] [sqlite|postgresql]`. Everything it makes is deleted at the end.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildReport } from '../../src/report/usage/build-report.ts'
import type { ReportRequest } from '../../src/report/usage/build-report.ts'
import { parsePeriod } from '../../src/time/period.ts'
import { previousPeriod } from '../../src/time/previous-period.ts'
import { atOneMoment } from '../../src/report/usage/usage-source.ts'
import { findBorders, findUsage } from '../../src/store/read/find-usage.ts'
import { writeUsageStatement } from '../../src/store/read/write-usage-statement.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import type { Database } from '../../src/store/database/open-database.ts'
import { DATABASE_KINDS, makeDatabase } from '../support/databases/databases.ts'
import type { DatabaseKind } from '../support/databases/databases.ts'
import { startCluster } from '../support/databases/start-cluster.ts'
import { fillReportRows, KEYS } from './fill-report-rows.ts'
import { endpointsOfKey, STORED_ROWS, topEndpoints, topKeys, totalBetween } from './hand-written.ts'
import { run, timeInTurn } from './time.ts'

const BIN = new URL('../../bin/run.js', import.meta.url).pathname
const ROOT = new URL('../..', import.meta.url).pathname
const KEY_ID = '00000500-0000-4000-8000-000000000000'

const [rowsText = '10000000', ...wanted] = process.argv.slice(2)
const rows = Number(rowsText)

await benchStart()
for (const kind of DATABASE_KINDS) {
  if (wanted.length === 0 || wanted.includes(kind)) await benchDatabase(kind)
}

async function benchDatabase(kind: DatabaseKind): Promise<void> {
  const cluster = kind === 'postgresql' ? await startCluster() : undefined
  const database = await makeDatabase(kind, cluster && { server: cluster.url })
  try {
    const start = performance.now()
    await fillReportRows(kind, database.url, rows)
    say(
      `\n${kind}: ${rows.toLocaleString('en-US')} rows in ${seconds(performance.now() - start)}, ${describeLoad()}`,
    )
    await benchQueries(kind, database.url)
    await benchCommands(kind, database.url)
    await benchExport(kind, database.url)
  } finally {
    await database.remove()
    await cluster?.remove()
  }
}

async function benchQueries(kind: DatabaseKind, url: string): Promise<void> {
  const db = await openDatabase(url)
  try {
    if (kind === 'postgresql') await db.query("set time zone 'UTC'")
    const period = parsePeriod({ since: '30d' })
    const [since, before] = [period.since!, previousPeriod(period)!.since]
    const query = { keyIds: [KEY_ID], since, by: ['method', 'endpoint'], trend: 'day' } as const
    const borders = await findBorders(db, ['day'], query)
    const statement = writeUsageStatement(db.dialect, query, query.by, borders)
    const key = await timeInTurn(15, {
      hand: () => db.query(endpointsOfKey(kind), [KEY_ID, time(kind, since)]),
      query: () => db.query(statement.sql, statement.params),
      rows: () => findUsage(db, query),
      report: () =>
        report(db, { period, filter: { keyIds: [KEY_ID] }, by: ['method', 'endpoint'], withTrend: true }),
    })
    judge('report --key K --since 30d, query', key.query, key.hand, 1.2)
    judge('report --key K --since 30d, query and its rows as objects', key.rows, key.hand)
    judge('report --key K --since 30d, all its statements', key.report, key.hand)
    const overview = await timeInTurn(3, {
      async hand() {
        await db.query(topKeys(kind), [time(kind, since)])
        await db.query(topEndpoints(kind), [time(kind, since)])
        await db.query(totalBetween(kind), [time(kind, before), time(kind, since)])
      },
      report: () => report(db, { period }),
    })
    judge('overview of 30 days, all its statements', overview.report, overview.hand, 1.2)
  } finally {
    await db.close()
  }
}

async function benchCommands(kind: DatabaseKind, url: string): Promise<void> {
  const driver = kind === 'sqlite' ? '@mikro-orm/sqlite' : '@mikro-orm/postgresql'
  const env = { DATABASE_URL: url }
  const node = (...args: string[]) => run(process.execPath, args, env)
  const taken = await timeInTurn(9, {
    driver: () => node('--input-type=module', '--eval', `await import('${import.meta.resolve(driver)}')`),
    start: () => node(BIN, 'migrate', '--check'),
    report: () => node(BIN, 'report', '--key', KEY_ID, '--since', '30d'),
  })
  judge('start of a command with a database, against its driver alone', taken.start, taken.driver, 2)
  const more = taken.report - taken.start
  say(
    `  report --key K --since 30d, whole command: start-up + ${seconds(more)} ${verdict(more <= 300)} (target 0.3 s)`,
  )
}

async function benchExport(kind: DatabaseKind, url: string): Promise<void> {
  const peaks: number[] = []
  const taken = await timeInTurn(3, {
    async ours() {
      peaks.push((await run(process.execPath, [BIN, 'export'], { DATABASE_URL: url })).peakMb)
    },
    copy:
      kind === 'postgresql'
        ? () => run('psql', [url, '--quiet', '--command', `\\copy (${STORED_ROWS}) to stdout csv`])
        : async () => {},
  })
  const peak = Math.max(...peaks)
  say(
    `  export --format csv: ${rate(taken.ours)}, peak memory ${peak.toFixed(0)} MB ${verdict(peak <= 250)} (target 250 MB)`,
  )
  if (kind === 'sqlite') return
  say(`  psql \\copy of the same rows: ${rate(taken.copy)}`)
  judge(`export, against psql \\copy (${describeLoad()})`, taken.ours, taken.copy, 2)
}

/** `--help` against that of an oclif program which has one command and nothing else. */
async function benchStart(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-bench-'))
  try {
    const bare = makeBareProgram(folder)
    const taken = await timeInTurn(15, {
      bare: () => run(process.execPath, [bare, '--help']),
      ours: () => run(process.execPath, [BIN, '--help']),
    })
    judge('--help, against a bare oclif program', taken.ours, taken.bare, 1.3)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function makeBareProgram(folder: string): string {
  mkdirSync(join(folder, 'bin'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({
      name: 'bare',
      version: '1.0.0',
      type: 'module',
      oclif: {
        bin: 'bare',
        commands: { strategy: 'explicit', target: './commands.js', identifier: 'COMMANDS' },
      },
    }),
  )
  writeFileSync(
    join(folder, 'commands.js'),
    "import { Command } from '@oclif/core'\nexport const COMMANDS = { hello: class extends Command { async run() {} } }\n",
  )
  const bin = join(folder, 'bin', 'run.js')
  writeFileSync(bin, "import { execute } from '@oclif/core'\nawait execute({ dir: import.meta.url })\n")
  return bin
}

function report(db: Database, request: ReportRequest): Promise<unknown> {
  return atOneMoment(db, (source) => buildReport(source, request))
}

function time(kind: DatabaseKind, instant: Date): Date | number {
  return kind === 'sqlite' ? instant.getTime() : instant
}

/** Other work on the machine falls on whatever is timed at that moment. */
function describeLoad(): string {
  return `load ${loadavg()[0]?.toFixed(1)}`
}

function judge(what: string, ours: number, theirs: number, target?: number): void {
  const ratio = ours / theirs
  const aim = target === undefined ? '' : ` ${verdict(ratio <= target)} (target ${target}x)`
  say(`  ${what}: ${seconds(ours)} against ${seconds(theirs)}, ${ratio.toFixed(2)}x${aim}`)
}

function verdict(holds: boolean): string {
  return holds ? 'OK' : 'TOO MUCH'
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(2)} s`
}

function rate(ms: number): string {
  return `${Math.round(((Math.ceil(rows / KEYS) * KEYS) / ms) * 1000).toLocaleString('en-US')} rows/s`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
