import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { BaseCommand } from '../../src/cli/base-command.ts'
import Export from '../../src/cli/commands/export.ts'
import Report from '../../src/cli/commands/report.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { linkKey } from '../../src/store/keys/link-keys.ts'
import { openUsage } from '../../src/index.ts'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const OUT = '<out>'
const PRICES = '<prices>'

/** A value for each flag that takes any text, chosen so that it is no default and leaves several groups. */
const SAMPLES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  key: [['--key', 'Mobile app']],
  'no-links': [['--no-links', '--key', 'Mobile app']],
  endpoint: [['--endpoint', '/orders']],
  owner: [['--owner', 'acme']],
  method: [['--method', 'get']],
  status: [['--status', '2xx']],
  since: [['--since', '2026-10-10']],
  until: [['--until', '2026-10-20']],
  month: [['--month', '2026-10']],
  tz: [['--tz', 'Europe/Berlin']],
  by: [
    ['--by', 'status'],
    ['--by', 'owner,status'],
    ['--by', 'day'],
  ],
  unit: [['--unit', 'tokens']],
  prices: [['--prices', PRICES, '--billable', '2xx,4xx', '--month', '2026-10']],
  billable: [['--billable', '2xx,4xx', '--month', '2026-10']],
  unused: [['--unused', '9d']],
  limit: [['--limit', '1']],
  columns: [['--columns', 'requestCount,durationUs']],
  'csv-separator': [['--csv-separator', ';', '--format', 'csv']],
  out: [['--out', OUT]],
  // these are the order without the flag, of one group or another
  sort: [
    ['--sort', 'errors'],
    ['--sort', 'last-used'],
    ['--sort', 'p95', '--latency'],
    ['--sort', 'quantity', '--unit', 'tokens'],
  ],
}

/** What two flags may share: both say the same. */
const SAME = [['--json', '--format json']]
/** The pairs that are refused. All others work, so a refusal that nobody wanted is found too. */
const REFUSED: Readonly<Record<'report' | 'export', readonly string[]>> = {
  report: [
    '--key Mobile app | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--key Mobile app | --unused 9d',
    '--key Mobile app | --deprecated',
    '--endpoint /orders | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--endpoint /orders | --unused 9d',
    '--endpoint /orders | --deprecated',
    '--owner acme | --unused 9d',
    '--owner acme | --deprecated',
    '--no-links --key Mobile app | --billable 2xx,4xx --month 2026-10',
    '--no-links --key Mobile app | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--no-links --key Mobile app | --unused 9d',
    '--no-links --key Mobile app | --deprecated',
    '--method get | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--method get | --unused 9d',
    '--method get | --deprecated',
    '--status 2xx | --billable 2xx,4xx --month 2026-10',
    '--status 2xx | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--status 2xx | --unused 9d',
    '--status 2xx | --deprecated',
    '--since 2026-10-10 | --month 2026-10',
    '--since 2026-10-10 | --billable 2xx,4xx --month 2026-10',
    '--since 2026-10-10 | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--since 2026-10-10 | --unused 9d',
    '--until 2026-10-20 | --month 2026-10',
    '--until 2026-10-20 | --compare previous',
    '--until 2026-10-20 | --billable 2xx,4xx --month 2026-10',
    '--until 2026-10-20 | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--until 2026-10-20 | --unused 9d',
    '--until 2026-10-20 | --deprecated',
    '--month 2026-10 | --unused 9d',
    '--tz Europe/Berlin | --unused 9d',
    '--by status | --billable 2xx,4xx --month 2026-10',
    '--by status | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--by status | --unused 9d',
    '--by status | --deprecated',
    '--by owner,status | --compare previous',
    '--by owner,status | --billable 2xx,4xx --month 2026-10',
    '--by owner,status | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--by owner,status | --unused 9d',
    '--by owner,status | --deprecated',
    '--by owner,status | --latency',
    '--by owner,status | --sort errors',
    '--by owner,status | --sort last-used',
    '--by owner,status | --sort p95 --latency',
    '--by owner,status | --sort quantity --unit tokens',
    '--by day | --compare previous',
    '--by day | --billable 2xx,4xx --month 2026-10',
    '--by day | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--by day | --unused 9d',
    '--by day | --deprecated',
    '--unit tokens | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--unit tokens | --unused 9d',
    '--unit tokens | --deprecated',
    '--unit tokens | --latency',
    '--unit tokens | --sort p95 --latency',
    '--compare previous | --billable 2xx,4xx --month 2026-10',
    '--compare previous | --prices <prices> --billable 2xx,4xx --month 2026-10',
    '--compare previous | --unused 9d',
    '--compare previous | --deprecated',
    '--billable 2xx,4xx --month 2026-10 | --unused 9d',
    '--billable 2xx,4xx --month 2026-10 | --deprecated',
    '--billable 2xx,4xx --month 2026-10 | --latency',
    '--billable 2xx,4xx --month 2026-10 | --sort p95 --latency',
    '--prices <prices> --billable 2xx,4xx --month 2026-10 | --unused 9d',
    '--prices <prices> --billable 2xx,4xx --month 2026-10 | --deprecated',
    '--prices <prices> --billable 2xx,4xx --month 2026-10 | --latency',
    '--prices <prices> --billable 2xx,4xx --month 2026-10 | --sort p95 --latency',
    '--prices <prices> --billable 2xx,4xx --month 2026-10 | --sort quantity --unit tokens',
    '--unused 9d | --deprecated',
    '--unused 9d | --latency',
    '--unused 9d | --sort errors',
    '--unused 9d | --sort last-used',
    '--unused 9d | --sort p95 --latency',
    '--unused 9d | --sort quantity --unit tokens',
    '--deprecated | --latency',
    '--deprecated | --sort errors',
    '--deprecated | --sort last-used',
    '--deprecated | --sort p95 --latency',
    '--deprecated | --sort quantity --unit tokens',
    '--latency | --sort quantity --unit tokens',
    '--format csv | --watch',
    '--format csv | --json',
    '--format json | --csv-separator ; --format csv',
    '--format json | --watch',
    '--format markdown | --csv-separator ; --format csv',
    '--format markdown | --json',
    '--format html | --csv-separator ; --format csv',
    '--format html | --watch',
    '--format html | --json',
    '--format xlsx | --csv-separator ; --format csv',
    '--format xlsx | --watch',
    '--format xlsx | --json',
    '--csv-separator ; --format csv | --watch',
    '--csv-separator ; --format csv | --json',
    '--out <out> | --watch',
    '--watch | --json',
  ],
  export: [
    '--since 2026-10-10 | --month 2026-10',
    '--until 2026-10-20 | --month 2026-10',
    '--tz Europe/Berlin | --columns requestCount,durationUs',
    '--format json | --csv-separator ; --format csv',
    '--format ndjson | --csv-separator ; --format csv',
    '--format ndjson | --json',
    '--format parquet | --csv-separator ; --format csv',
    '--format parquet | --gzip',
    '--format parquet | --json',
    '--csv-separator ; --format csv | --json',
  ],
}
/** Flags that say how something is shown, and nothing of what is written; `report-open.test.ts` has the pairs of --open. */
const NOT_OF_THE_OUTPUT = new Set(['progress', 'open'])

/** The ways to use each flag of a command; of flags with a list of values all but the default. */
function samplesOf(command: typeof Report | typeof Export): (readonly string[])[] {
  const names = Object.keys(command.flags).filter(
    (name) => !Object.hasOwn(BaseCommand.baseFlags, name) && !NOT_OF_THE_OUTPUT.has(name),
  )
  const samples = names.flatMap((name): readonly (readonly string[])[] => {
    const flag = command.flags[name as keyof typeof command.flags] as {
      type: string
      options?: string[]
      default?: unknown
    }
    if (SAMPLES[name]) return SAMPLES[name]
    if (flag.type === 'boolean') return [[`--${name}`]]
    const values = flag.options?.filter((value) => value !== flag.default)
    return values?.map((value) => [`--${name}`, value]) ?? expect.fail(`Give --${name} a sample.`)
  })
  return [...samples, ['--json']]
}

const key = (number: number, label: string, owner: string | null, name: string | null = null) =>
  testKey(number, label, { owner, name })
const KEYS = {
  mobile: key(1, 'z-mobile', 'acme', 'Mobile app'),
  shop: key(2, 'a-shop', 'acme'),
  books: key(3, 'm-books', 'globex'),
  // the mobile app had this key before
  old: key(4, 'b-old', 'acme'),
}
const [GET, POST] = [{ method: 'GET' }, { method: 'POST', endpoint: '/orders' }]
/** Of every list each order is another one: the most requests, the most errors, the latest and the first name. */
const ROWS = [
  { key: KEYS.shop, bucket: '2026-07-01T10:00Z', requests: 1 },
  // it had another owner before
  { key: { ...KEYS.mobile, owner: 'globex' }, bucket: '2026-09-10T10:00Z', requests: 40 },
  { key: KEYS.shop, bucket: '2026-09-11T10:00Z', endpoint: '/orders', requests: 30 },
  { key: KEYS.mobile, ...GET, bucket: '2026-10-05T23:00Z', requests: 500, durationUs: 100 },
  { key: KEYS.mobile, ...GET, bucket: '2026-10-12T10:00Z', requests: 300, durationUs: 900 },
  { key: KEYS.mobile, ...POST, bucket: '2026-10-12T11:00Z', status: 201, requests: 100, durationUs: 9000 },
  { key: KEYS.mobile, ...POST, bucket: '2026-10-13T11:00Z', status: 409, requests: 60, durationUs: 70_000 },
  { key: KEYS.mobile, ...GET, endpoint: '/orders', bucket: '2026-10-24T10:00Z', requests: 20 },
  { key: KEYS.old, ...GET, bucket: '2026-10-06T10:00Z', requests: 3 },
  { key: KEYS.old, ...GET, bucket: '2026-10-12T10:00Z', requests: 4 },
  { key: KEYS.old, ...POST, bucket: '2026-10-13T10:00Z', status: 201, requests: 2, durationUs: 700 },
  { key: KEYS.old, ...GET, endpoint: '/orders', bucket: '2026-10-15T10:00Z', requests: 5 },
  { key: KEYS.shop, ...POST, bucket: '2026-10-11T10:00Z', status: 201, requests: 90, durationUs: 500 },
  { key: KEYS.shop, ...POST, bucket: '2026-10-14T10:00Z', status: 404, requests: 80, durationUs: 80_000 },
  { key: KEYS.shop, ...GET, bucket: '2026-10-21T10:00Z', status: 500, requests: 10 },
  { key: KEYS.shop, ...GET, bucket: '2026-10-12T10:00Z', requests: 120, durationUs: 40 },
  { key: KEYS.books, ...GET, bucket: '2026-10-15T10:00Z', requests: 200, durationUs: 200 },
  { key: KEYS.books, ...GET, bucket: '2026-10-25T10:00Z', status: 404, requests: 7 },
  { key: KEYS.books, ...POST, bucket: '2026-10-18T10:00Z', status: 201, requests: 150 },
]

const ROUTES = [
  { endpoint: '/never', method: 'GET' },
  { endpoint: '/not-either', method: 'GET' },
  { endpoint: '/orders', method: 'POST' },
  { endpoint: '/users/:id', method: 'GET' },
]

/** An app that runs since July has these routes, and one of them is deprecated. */
async function storeRoutes(url: string): Promise<void> {
  const store = new DatabaseStore({ url, pepperCheck: '' })
  for (let at = Date.parse('2026-07-01'); at < Date.now(); at += 20 * 86_400_000)
    await store.registerRoutes({ routes: ROUTES, release: '1.0.0', at })
  await store.close()
  const usage = await openUsage(url)
  await usage.deprecateRoute({ method: 'GET', endpoint: '/users/:id', sunset: new Date('2027-01-01') })
  await usage.close()
}

forEachDatabase('every pair of flags changes the output or is refused', (kind, makeUrl) => {
  let url: string
  let folder: string
  let out: string
  let prices: string

  beforeAll(async () => {
    // the month is not over, and the default of 30 days begins in the month before
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-10-26T14:05:00Z') })
    url = await makeUrl()
    await storeUsage(
      url,
      ROWS.map((row) => Object.assign({ quantities: { tokens: 1 + (row.requests % 70) } }, row)),
    )
    const db = await openDatabase(url)
    await linkKey(db, KEYS.mobile.id, { continues: KEYS.old.id })
    await db.close()
    await storeRoutes(url)
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    out = join(folder, 'out')
    prices = join(folder, 'prices.json')
    writeFileSync(
      prices,
      JSON.stringify({ currency: 'EUR', prices: [{ unit: 'requests', free: '100', price: '0.01' }] }),
    )
  })
  afterAll(() => {
    vi.useRealTimers()
    rmSync(folder, { recursive: true })
  })

  /** Everything that a command wrote; undefined when it refused. */
  async function outputOf(command: typeof Report | typeof Export, args: readonly string[]) {
    const real = args.map((arg) => (arg === OUT ? out : arg === PRICES ? prices : arg))
    const stop = args.includes('--watch') ? () => process.emit('SIGINT') : undefined
    const { code, stdout, ...rest } = await runCommand(
      command,
      [...real, '--database', url, '--data-dir', EMPTY_DATA_DIR],
      stop,
    )
    // a warning of oclif comes once, with whatever runs first
    const stderr = rest.stderr.replaceAll(/^\(node:.*\n/gm, '')
    const file = existsSync(out) ? readFileSync(out, 'latin1') : ''
    rmSync(out, { force: true })
    if (code === 0) return { stdout, stderr, file }
    expect({ args, code, stdout: args.includes('--json') ? '' : stdout }).toEqual({
      args,
      code: 2,
      stdout: '',
    })
    expect(stderr + stdout).toMatch(args.includes('--json') ? /"code": "WRONG_USAGE"/ : /^Error: [^\n]+\n$/)
    return undefined
  }

  describe.each([
    ['report', Report],
    ['export', Export],
  ] as const)('of %s', (commandName, command) => {
    const samples = samplesOf(command)
    const alone = new Map<string, object | undefined>()
    const refused: string[] = []

    test.each(samples.map((args) => [args.join(' '), args] as const))('%s works', async (name, args) => {
      alone.set(name, await outputOf(command, args))
      expect(alone.get(name)).toBeDefined()
      expect(alone.get(name)).not.toEqual(await outputOf(command, []))
    })

    // whether two flags go together does not depend on the database
    test.each(kind === 'sqlite' ? samples.map((args) => [args.join(' '), args] as const) : [])(
      '%s with any other',
      async (name, args) => {
        const others = samples.slice(samples.indexOf(args) + 1)
        for (const other of others) {
          const otherName = other.join(' ')
          const isSame = SAME.some((pair) => pair.includes(name) && pair.includes(otherName))
          const isPart = other.every((arg) => args.includes(arg)) || args.every((arg) => other.includes(arg))
          if (isSame || isPart || args[0] === other[0]) continue
          const both = await outputOf(command, [...args, ...other])
          if (!both) {
            refused.push(`${name} | ${otherName}`)
            continue
          }
          expect(both, `${otherName} changes nothing beside ${name}`).not.toEqual(alone.get(name))
          expect(both, `${name} changes nothing beside ${otherName}`).not.toEqual(alone.get(otherName))
        }
      },
    )

    test.each(kind === 'sqlite' ? [REFUSED[commandName]] : [])(
      'refuses these pairs and no other',
      (...pairs) => {
        expect(refused).toEqual(pairs)
      },
    )
  })
})
