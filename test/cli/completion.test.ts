import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DatabaseStore } from '../../src/store/database-store.ts'
import { forEachDatabase } from '../support/databases/for-each-database.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { waitForNames } from '../support/cli/wait-for-names.ts'
import type { CliOptions } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { EMPTY_DATA_DIR } from '../support/cli/empty-data-dir.ts'

const mobile = testKey(1, 'sk_l…9f2a', { name: 'Mobile app', owner: 'Acme Ltd' })
const plain = testKey(2, 'key_2', { owner: "O'Neil; $(id)" })
const namesakes = [testKey(3, 'key_3', { name: 'Twin' }), testKey(4, 'key_4', { name: 'Twin' })]
const dashed = testKey(5, '--yes')
const bucket = '2026-10-01T10:00Z'
const ROWS = [
  { key: mobile, bucket, method: 'GET', endpoint: '/users/:id', requests: 2, quantities: { tokens: 5 } },
  { key: plain, bucket, method: 'POST', endpoint: '/orders', requests: 1 },
  ...[...namesakes, dashed].map((key) => ({ key, bucket, endpoint: '/users/:id', requests: 1 })),
]

/** What zsh is told for the words of a line, of which the last one is being typed. */
async function ask(line: readonly string[], options: CliOptions = {}): Promise<string[]> {
  const { code, stdout, stderr } = await runCli(['complete', 'zsh', '--', ...line], options)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [, , ...fields] = stdout.split('\0').slice(0, -1)
  return fields.filter((_, index) => index % 2 === 0).sort()
}

/** A statement about names is limited, too; a busy machine may need that time for something else. */
async function askUntil(line: readonly string[], options: CliOptions, expected: unknown): Promise<void> {
  await expect.poll(() => ask(line, options), { timeout: PATIENCE_MS }).toEqual(expected)
}

forEachDatabase('names in completions', (_kind, makeUrl) => {
  let env: Record<string, string>
  beforeAll(waitForNames)
  beforeAll(async () => {
    env = { DATABASE_URL: await makeUrl(), APIKEY_ANALYTICS_DIR: EMPTY_DATA_DIR }
    await storeUsage(env['DATABASE_URL']!, ROWS)
    const store = new DatabaseStore({ url: env['DATABASE_URL']!, pepperCheck: '' })
    const routes = [{ endpoint: '/never-called', method: 'GET' }]
    await store.registerRoutes({ routes, release: null, at: Date.parse(bucket) })
    await store.close()
    await runCli(['close', '--month', '2026-10', '--billable', '2xx'], { env })
    const { stdout } = await runCli(['export'], { env })
    await runCli(['import', '-', '--as', 'old.csv', '--overlap'], { env, input: stdout })
  })

  test.each<[string[], string[]]>([
    // the name or label that is no other key's, and nothing that would be a flag
    [
      ['report', '--key', ''],
      ['Mobile app', 'key_2', 'key_3', 'key_4'],
    ],
    [['report', '--key', 'Tw'], ['Twin']],
    [['report', '--key=sk'], ['--key=sk_l…9f2a']],
    [['report', '--key=--'], ['--key=--yes']],
    [
      ['keys', 'forget', '--'],
      [
        '--anonymise',
        '--data-dir',
        '--database',
        '--env-file',
        '--help',
        '--json',
        '--no-color',
        '--owner',
        '--yes',
      ],
    ],
    [['keys', 'name', 'aaaaaaaa-0000-4000-8000-000000000001'], [mobile.id]],
    [
      ['keys', 'list', '--owner', ''],
      ['Acme Ltd', "O'Neil; $(id)"],
    ],
    [['customers', 'rename', 'Ac'], ['Acme Ltd']],
    [
      ['report', '--endpoint', ''],
      ['/orders', '/users/:id'],
    ],
    [['export', '-e', 'GET /'], ['GET /users/:id']],
    [['report', '--unit', ''], ['tokens']],
    [
      ['statements', 'show', ''],
      ['1', '2026-10'],
    ],
    [['statements', 'check', '2026'], ['2026-10']],
    [['alerts', 'retry', ''], []],
    [['imports', 'remove', ''], ['1']],
    [
      ['routes', 'deprecate', 'GET '],
      ['GET /never-called', 'GET /users/:id'],
    ],
    [['routes', 'undeprecate', 'GET /n'], ['GET /never-called']],
    [['keys', 'link', 'Mob'], ['Mobile app']],
  ])('%j', async (line, expected) => {
    await askUntil(line, { env }, expected)
  })

  test('come from the database that the line names, or from none', async () => {
    const other = await makeUrl()
    await storeUsage(other, [{ key: testKey(9, 'elsewhere'), bucket, requests: 1 }])
    const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, '.env'), `DATABASE_URL=${other}\n`)
    await askUntil(['report', '--database', other, '--key', ''], { env }, ['elsewhere'])
    await askUntil(['report', '--env-file', '~/.env', '--key', ''], { env: { HOME: folder } }, ['elsewhere'])
    expect(await ask(['report', '--database', '$OTHER', '--key', ''], { env })).toEqual([])
    expect(await ask(['report', '--env-file', 'missing', '--tz', 'UT'], { env })).toEqual(['UTC'])
    const { stdout, stderr } = await runCli(
      ['complete', 'zsh', '--', 'report', '--env-file', 'missing', '--key', ''],
      { env },
    )
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' })
  })
})

describe('a database that does not answer', () => {
  test('is not created', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const line = ['report', '--data-dir', folder, '--key', '']
    expect(await ask(line)).toEqual([])
    expect(await ask(['report', '--database', `sqlite:${folder}/sub/other.db`, '--key', ''])).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  test('that has no tables of ours, or is no database, gives no names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    new Sqlite(join(folder, 'usage.db')).exec('create table other (id)').close()
    expect(await ask(['report', '--data-dir', folder, '--key', ''])).toEqual([])
    writeFileSync(join(folder, 'usage.db'), 'nonsense')
    expect(await ask(['report', '--data-dir', folder, '--key', ''])).toEqual([])
  })

  test('that is locked is left alone after a limited time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    const file = new Sqlite(join(folder, 'usage.db'))
    onTestFinished(() => {
      file.close()
      rmSync(folder, { recursive: true })
    })
    file.exec('create table other (id); begin exclusive')
    expect(await ask(['report', '--data-dir', folder, '--key', ''])).toEqual([])
  })

  test('that accepts a connection and then is silent is left alone, too', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const url = `postgres://user:secret@127.0.0.1:${port}/usage`
    expect(await ask(['report', '--database', url, '--key', ''])).toEqual([])
  })
})

describe('the command completion', () => {
  test.each(['bash', 'zsh', 'fish'])('prints the script of %s', async (shell) => {
    const { code, stdout, stderr } = await runCli(['completion', shell])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`apikey-analytics completion ${shell}`)
    expect(stdout).not.toMatch(/%bin%|%function%|\\\$\{/)
    const json = JSON.parse((await runCli(['completion', shell, '--json'])).stdout)
    expect(json).toEqual({ shell, script: stdout })
  })

  test('refuses other shells', async () => {
    const { code, stderr } = await runCli(['completion', 'tcsh'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'Error: Expected tcsh to be one of: bash, zsh, fish. See --help.\n',
    })
  })

  test('a broken question gives no answer and no error', async () => {
    for (const args of [[], ['tcsh', '--', 'x'], ['bash'], ['zsh', '--']]) {
      const { stdout, stderr } = await runCli(['complete', ...args])
      expect({ args, stderr }).toEqual({ args, stderr: '' })
      if (args[0] === undefined || args[0] === 'tcsh') expect(stdout).toBe('')
    }
  })
})
