import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/index.ts'
import { answerApi } from '../../src/dashboard/api.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { openDatabase } from '../../src/store/database/open-database.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { resolveUsageOptions } from '../../src/self-service/usage-options.ts'
import { findFreePort } from '../support/find-free-port.ts'
import { RULES } from '../../src/security/rules.ts'
import type { InstalledApp } from '../support/apps/install-package.ts'
import { listPages, readReadme, readReadmeBlocks, readReadmeTable } from '../support/read-readme.ts'
import type { ReadmeBlock } from '../support/read-readme.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { copySharedApp, OF_PAGES } from '../support/apps/shared-app.ts'

/** The pages whose blocks run one after the other, in the folder of one app. */
const PAGES = [
  'README.md',
  'docs/getting-started.md',
  'docs/identify-keys.md',
  'docs/endpoints-and-routers.md',
  'docs/quantities.md',
  'docs/quotas.md',
  'docs/routes.md',
  'docs/billing.md',
  'docs/self-service.md',
  'docs/security.md',
  'docs/alerts.md',
  'docs/dashboard.md',
  'docs/from-code.md',
  'docs/operations.md',
  'docs/import.md',
  'docs/monitoring.md',
  'docs/privacy.md',
  'docs/linked-keys.md',
  'docs/shell.md',
  'docs/testing.md',
  'docs/typescript.md',
  '.github/CONTRIBUTING.md',
]
/** Pages with blocks that tests of their own run. */
const ELSEWHERE = ['docs/customers.md', 'docs/postgresql.md', 'docs/reports.md']
/** Where the command is in blocks for programs that run it by a schedule. */
const SCHEDULES: Readonly<Record<string, RegExp>> = {
  crontab: /^(?:\S+ ){5}(.*)$/m,
  systemd: /^ExecStart=\/usr\/bin\/(.*)$/m,
}
/** Blocks with programs that a machine may not have: then only their syntax is checked. How to find out. */
const PROGRAMS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  sqlite3: ['sqlite3', '--version'],
  'postgresql-programs': ['pg_dump', '--schema-only', '--dbname=postgres://api:password@localhost:5432/api'],
}
/** What is saved as a file instead of being run. */
const FILES = ['js', 'ts', 'json', 'yaml', 'html']
/** Plays a week; several pages begin with it and go on in the same block. */
const DEMO = 'npx apikey-analytics demo --json > /dev/null\n'

const blocks = PAGES.flatMap((page) => readReadmeBlocks(page))

describe('every block of the README and its pages runs as it stands', () => {
  /** What the README's samples stand for on this machine. */
  const here = new Map<string, string>()
  const servers: { readonly file: string; readonly child: ChildProcess; readonly port: string }[] = []
  let app: InstalledApp
  let database: TestDatabase
  /** Where the page about moving moves to. */
  let newHome: TestDatabase

  beforeAll(async () => {
    app = await copySharedApp()
    database = await makeDatabase('postgresql', { migrated: false })
    newHome = await makeDatabase('postgresql', { migrated: false })
    here.set('/srv/api', app.folder)
    for (const port of ['3000', '3001', '3002', '3003', '3004', '3005', '3006', '3007']) {
      here.set(port, `${await findFreePort()}`)
    }
    here.set('postgres://api:password@localhost:5432/api', database.url)
    here.set('PostgreSQL api at localhost:5432', describeDatabaseUrl(database.url))
    here.set('postgres://api:password@localhost:5432/usage', newHome.url)
    here.set('PostgreSQL usage at localhost:5432', describeDatabaseUrl(newHome.url))
    // The demo plays the week that ends now; yesterday is always in it.
    const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
    // A whole day of the demo's week, and the one before it, with which the week begins.
    here.set('2026-11-20', dayBefore(7)).set('2026-11-21', dayBefore(6))
    const [year, month] = dayBefore(1).split('-').map(Number) as [number, number]
    here.set('2026-10 ', `${new Date(Date.UTC(year, month - 2)).toISOString().slice(0, 7)} `)
    here.set('--month 2026-11', `--month ${new Date(Date.now() - 86_400_000).toISOString().slice(0, 7)}`)
  })

  afterAll(async () => {
    for (const { child } of servers) child.kill('SIGKILL')
    await database?.remove()
    await newHome?.remove()
    app?.remove()
  })

  /** All at once: what stands for one day of the README may be another of its days. */
  const translate = (text: string) =>
    text.replace(
      new RegExp([...here.keys()].map((from) => from.replace(/\W/g, '\\$&')).join('|'), 'g'),
      (found) => here.get(found)!,
    )
  /** Commands without npx, which takes twice as long as what it starts; `package.test.ts` proves that it finds it. */
  const translateCommands = (text: string) =>
    translate(text).replaceAll('npx ', join(app.folder, 'node_modules/.bin/'))

  for (const page of PAGES) {
    const exported: Record<string, string> = {}
    test(`${page} begins with a new demo`, () =>
      rmSync(join(app.folder, '.apikey-analytics/demo'), { recursive: true, force: true }))
    for (const block of blocksToRun(page)) {
      const { language, name, line } = block
      test(`${page} line ${line}: ${language} ${name} ${block.text.split('\n', 1)[0]}`, async () => {
        if (FILES.includes(language)) return writeFileSync(join(app.folder, name), translate(block.text))
        if (name === 'install')
          return expect(OF_PAGES).toEqual(expect.arrayContaining(packagesOf(block.text)))
        if (name === 'clone')
          return expect(scriptsOf(block.text)).toEqual(expect.arrayContaining([expect.anything()]))
        if (name in PROGRAMS && !(await hasProgram(PROGRAMS[name]!)))
          return expect(await app.run('bash', ['-n', '-c', translateCommands(block.text)])).toMatchObject({
            code: 0,
          })
        if (block.text.startsWith(DEMO)) await playDemo(exported)
        if (name === 'serve') return serve(translate(block.text))
        if (name === 'until-stopped') return runUntilStopped(translate(block.text), exported)
        if (name in SCHEDULES) return runScheduled(SCHEDULES[name]!, block.text, exported)
        const sample = sampleOf(block)
        const output = await runUntilLike(
          translateCommands(block.text.replace(DEMO, '')),
          sample && translate(sample.text),
          exported,
        )
        if (sample) expect(shapeOf(output)).toEqual(shapeOf(translate(sample.text)))
      })
    }
    // with their short intervals they would take CPU until the last page
    if (!blocksToRun(page).some(({ name }) => name === 'serve')) continue
    test(`${page} ends with its servers`, async () => {
      for (const { file, child } of servers.splice(0)) {
        const closed = once(child, 'close')
        child.kill('SIGTERM')
        const ended = await closed
        if (file === 'server.js') expect(ended).toEqual([0, null])
      }
    })
  }

  test('server.js has delivered all when it was told to terminate', async () => {
    const report = await app.run('npx', ['apikey-analytics', 'report', '--key', 'key_42', '--json'])
    expect(JSON.parse(report.stdout)).toMatchObject({ total: { requests: 2 } })
  })

  /** Also that it can talk to the server of the tests. */
  async function hasProgram(command: readonly [string, ...string[]]): Promise<boolean> {
    const [program, ...args] = command
    const { code } = await app.run(program, args.map(translate)).catch(() => ({ code: 1 }))
    return code === 0
  }

  async function runScheduled(
    command: RegExp,
    text: string,
    exported: Record<string, string>,
  ): Promise<void> {
    const [, line = expect.fail(`No command in: ${text}`)] = command.exec(translateCommands(text)) ?? []
    const { code, stdout, stderr } = await app.run('bash', ['--norc', '-c', line], exported)
    expect({ line, code, stderr, stdout }).toMatchObject({ line, code: 0, stderr: '' })
  }

  /** The first page plays it, the others get a copy of what it left. */
  async function playDemo(exported: Record<string, string>): Promise<void> {
    const [left, copy] = ['.apikey-analytics/demo', 'played-demo'].map((name) => join(app.folder, name))
    if (existsSync(copy!)) return cpSync(copy!, left!, { recursive: true })
    await runUntilLike(translateCommands(DEMO), undefined, exported)
    cpSync(left!, copy!, { recursive: true })
  }

  function serve(command: string): void {
    const file = /^node (\S+)\n$/.exec(command)?.[1] ?? ''
    const [, port = ''] = /listen\((\d+)\)/.exec(readFileSync(join(app.folder, file), 'utf8')) ?? []
    servers.push({ file, child: app.serve(file), port })
  }

  async function runUntilStopped(command: string, exported: Record<string, string>): Promise<void> {
    const bin = 'node_modules/apikey-analytics/bin/run.js'
    const [, ...args] = command.trim().replace('npx ', '').split(' ')
    const child = app.start('node', [bin, ...args], exported)
    await Promise.race([once(child.stdout!, 'data'), once(child, 'close')])
    child.kill('SIGINT')
    if (child.exitCode === null) await once(child, 'close')
    expect(child.exitCode).toBe(0)
  }

  /** Runs a block; again, for as long as a test waits, while its output is not like the sample: apps make their
   * database and flush in between. */
  async function runUntilLike(
    commands: string,
    sample: string | undefined,
    exported: Record<string, string>,
  ): Promise<string> {
    for (const { port } of servers) await untilServed(port)
    const deadline = Date.now() + PATIENCE_MS
    const again = /^\S*apikey-analytics report|^curl .*\/v1\/usage/.test(commands)
    for (;;) {
      const { code, stdout, stderr } = await app.run(
        'bash',
        ['--norc', '-euo', 'pipefail', '-c', commands],
        exported,
      )
      const output = stderr.replace(/^npm .*\n/gm, '') + stdout
      const like = sample === undefined || String(shapeOf(output)) === String(shapeOf(sample))
      if ((code === 0 && like) || !again || Date.now() > deadline) {
        expect({ commands, code, output }).toEqual({ commands, code: 0, output })
        for (const [, name = '', value = ''] of commands.matchAll(/^export (\w+)=(.*)$/gm))
          exported[name] = value
        return output
      }
      await sleep(250)
    }
  }
})

test('every script that a page saves is run or imported by it', () => {
  const scripts = blocks.filter(({ language }) => language === 'js')
  const unused = scripts.filter(({ page, name }) => {
    return !blocks.some((other) => other.page === page && other.text.includes(name))
  })
  expect(unused.map(({ page, name }) => `${page}: ${name}`)).toEqual([])
  const known = new Set([...FILES, 'sh', 'text'])
  expect(blocks.filter(({ language }) => !known.has(language))).toEqual([])
})

test('every page with blocks is run by a test', () => {
  const pages = listPages().filter((page) =>
    readReadmeBlocks(page).some(({ language }) => language !== 'text'),
  )
  expect(pages.toSorted()).toEqual([...PAGES, ...ELSEWHERE].toSorted())
})

test('the README is short', () => {
  expect(readReadme().split('\n').length).toBeLessThanOrEqual(251)
})

test('docs/options.md lists exactly the options there are', () => {
  const unknown = (): unknown => resolveOptions({ nonsense: 1 } as object, {})
  const [, names = ''] = /The options are (.*)\./.exec(messageOf(unknown)) ?? []
  expect(namesIn('docs/options.md', '## `apiKeyAnalytics(options)`')).toEqual(names.split(', '))
})

test('docs/dashboard.md lists exactly the options there are', () => {
  const source = readFileSync(new URL('../../src/dashboard/dashboard.ts', import.meta.url), 'utf8')
  const [, options = ''] = /interface DashboardOptions \{(.*?)^\}/ms.exec(source) ?? []
  const names = [...options.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name)
  expect(namesIn('docs/dashboard.md', '## Options')).toEqual(names)
})

test('docs/self-service.md lists exactly the options there are', () => {
  const unknown = (): unknown => resolveUsageOptions({ nonsense: 1 } as object)
  const [, names = ''] = /The options are (.*)\./.exec(messageOf(unknown)) ?? []
  expect(namesIn('docs/self-service.md', '## Options')).toEqual(names.split(', '))
})

test('docs/errors.md lists exactly the error codes there are', () => {
  const source = readFileSync(new URL('../../src/model/errors.ts', import.meta.url), 'utf8')
  expect(namesIn('docs/errors.md', '## Codes')).toEqual(
    [...source.matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, code]) => code),
  )
})

test('docs/errors.md lists the codes that only answers have', () => {
  const rooms = [
    'dashboard/dashboard.ts',
    'dashboard/api.ts',
    'dashboard/api-worker.ts',
    'self-service/api-key-usage.ts',
  ]
  const codes = rooms.flatMap((file) => {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
    return [...source.matchAll(/\b[45]\d\d,\s+'([A-Z_]+)'/g)].map(([, code]) => code!)
  })
  const errors = new Set(namesIn('docs/errors.md', '## Codes'))
  const ofAnswers = new Set(codes.filter((code) => !errors.has(code)))
  expect(new Set(namesIn('docs/errors.md', '## Codes of answers'))).toEqual(ofAnswers)
})

test('docs/dashboard.md lists every path of the JSON API', async () => {
  const nowhere = () => Promise.reject(new Error('no database is opened'))
  const { body } = await answerApi(nowhere, { name: '', query: {} }, '')
  const [, names = ''] = / Use (.*)\./.exec(JSON.parse(body).error.message) ?? []
  const paths = [...names.split(', '), 'statement-file'].map((name) => `api/${name}`)
  expect(new Set(namesIn('docs/dashboard.md', '## The JSON API'))).toEqual(new Set(paths))
})

test('docs/security.md lists exactly the rules there are', () => {
  expect(namesIn('docs/security.md', '## The rules')).toEqual(Object.keys(RULES))
})

test('docs/getting-started.md lists every command', () => {
  const rows = namesIn('docs/getting-started.md', '## The commands').join(', ')
  const listed = rows.replaceAll('apikey-analytics ', '').split(', ')
  expect(listed.toSorted()).toEqual(
    Object.entries(COMMANDS)
      .filter(([, command]) => !('hidden' in command && command.hidden))
      .map(([id]) => id.replaceAll(':', ' '))
      .toSorted(),
  )
})

test('docs/stored-data.md explains exactly the columns there are', async () => {
  const database = await makeDatabase('sqlite')
  const db = await openDatabase(database.url)
  const tables = await db.query<{ name: string }>(
    `select name from sqlite_schema where name like 'api_key_analytics%' and type = 'table' order by name`,
  )
  // the list of applied migrations is MikroORM's own
  for (const table of tables.map(({ name }) => name).filter((name) => !name.endsWith('_migrations'))) {
    const columns = await db.query<{ name: string }>(
      `select name from pragma_table_info('${table}') order by cid`,
    )
    expect({ table, columns: namesIn('docs/stored-data.md', `## \`${table}\``) }).toEqual({
      table,
      columns: columns.map(({ name }) => name),
    })
  }
  await db.close()
  await database.remove()
})

/** The blocks of a page that are saved or run. */
function blocksToRun(page: string): ReadmeBlock[] {
  return blocks.filter(
    (block) => block.page === page && (block.language !== 'text' || block.name in SCHEDULES),
  )
}

/** The sample that shows what a block prints: the one with its name, else the one right after it. */
function sampleOf(block: ReadmeBlock): ReadmeBlock | undefined {
  const named = blocks.find(({ language, name }) => language === 'text' && name !== '' && name === block.name)
  const next = blocks[blocks.indexOf(block) + 1]
  const isOutput = next?.language === 'text' && next.name === '' && next.page === block.page
  return named ?? (isOutput ? next : undefined)
}

const MONTHS = /\b(January|February|March|April|May|June|July|August|September|October|November|December)\b/g

/** The lines of an output in any order, without what differs from run to run: numbers, times, charts and spaces. */
function shapeOf(output: string): string[] {
  const lines = output.split('\n').map((line) =>
    line
      .replace(/.*┤.*/, '')
      // on the first of a month yesterday's month is over
      .replace(/^Note: (\w+ is not over: |A part of ).*|,(true|false)(?=,)/, '')
      .replace(MONTHS, 'Month')
      .replace(/[▁-▓─]+/g, '')
      .replace(/\d[\d,.:%T-]*Z?/g, '0')
      .replace(/≤?\b0 m?s\b/g, '0 ms')
      .replace(/\s+/g, ' ')
      .trim(),
  )
  return [...new Set(lines.filter(Boolean))].sort()
}

function namesIn(page: string, heading: string): (string | undefined)[] {
  return readReadmeTable(page, heading).map(([name]) => name?.replaceAll('`', ''))
}

/** The packages that a block installs beside ours. */
function packagesOf(command: string): string[] {
  expect(command).toMatch(/^npm install .*\n$/)
  const words = command.trim().split(' ').slice(2)
  return words.filter((word) => !word.startsWith('--') && word !== 'apikey-analytics')
}

/** The npm scripts that a block runs, each of which must be there. */
function scriptsOf(commands: string): string[] {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>
  }
  const names = [...commands.matchAll(/npm (?:run )?(?!ci\b)(\w\S*)/g)].map(([, name = '']) => name)
  return names.map((name) => scripts[name] ?? expect.fail(`package.json has no script "${name}".`))
}

function messageOf(run: () => unknown): string {
  try {
    run()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

async function untilServed(port: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined))) {
    if (Date.now() > deadline) throw new Error(`Nothing is served on port ${port}.`)
    await sleep(50)
  }
}
