import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import Export from '../../src/cli/commands/export.ts'
import Report from '../../src/cli/commands/report.ts'
import { describeDatabaseUrl } from '../../src/options/parse-database-url.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const PAGE = readFileSync(new URL('../../docs/reports.md', import.meta.url), 'utf8')
const COMMANDS = { report: Report, export: Export }
const PLACE = 'SQLite /srv/api/.apikey-analytics/usage.db'

const mobile = testKey(1, 'key_mobile', { name: 'Mobile app', owner: 'Acme' })
const books = testKey(2, 'key_books', { name: 'Bookkeeping', owner: 'Globex' })

/** Every day at ten a few requests, some more from month to month. */
const ROWS = Array.from({ length: 86 }, (_, day) => {
  const time = Date.UTC(2026, 8, 2 + day, 10)
  const month = new Date(time).getUTCMonth() - 7
  const bucket = new Date(time).toISOString()
  return [
    { key: mobile, bucket, endpoint: '/v1/orders/:id', requests: 40 + 2 * month },
    { key: mobile, bucket, method: 'POST', endpoint: '/v1/orders', status: 201, requests: 10 * month },
    { key: mobile, bucket, endpoint: '/v1/orders', requests: 5 },
    { key: books, bucket, endpoint: '/v1/orders', requests: 20 - 3 * month },
    { key: books, bucket, endpoint: '/v1/orders', status: 404, requests: 1 },
  ]
}).flat()

describe('docs/reports.md', () => {
  const blocks = [...PAGE.matchAll(/^```sh\n(.*?)\n```\n(?:\n```text\n(.*?)```\n)?/gms)]
  let database: TestDatabase
  let folder: string

  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-26T14:05:00Z') })
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    database = await makeDatabase('sqlite')
    await storeUsage(database.url, ROWS)
  })
  afterAll(async () => {
    vi.useRealTimers()
    rmSync(folder, { recursive: true })
    await database.remove()
  })

  test('has commands', () => {
    expect(blocks.length).toBeGreaterThan(5)
    expect(PAGE.match(/^```\w/gm)).toHaveLength(
      blocks.flatMap(([, , text]) => (text === undefined ? [1] : [1, 2])).length,
    )
  })

  test.each(blocks.map(([, command = '', output]) => [command, output]))('%s', async (command, output) => {
    const file = join(folder, 'october.xlsx')
    const [npx, name, id, ...args] = command.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''))
    expect([npx, name]).toEqual(['npx', 'apikey-analytics'])
    const { code, stdout, stderr } = await runCommand(COMMANDS[id as keyof typeof COMMANDS], [
      ...args.map((arg) => (arg === 'october.xlsx' ? file : arg)),
      '--database',
      database.url,
      '--data-dir',
      database.url.replace(/^sqlite:|\/[^/]*$/g, ''),
    ])
    expect(code).toBe(0)
    const text = stderr + Buffer.from(stdout, 'latin1').toString()
    const shown = text.replaceAll(describeDatabaseUrl(database.url), PLACE).replaceAll('\r\n', '\n')
    if (output === undefined) expect(existsSync(file)).toBe(true)
    else expect(shown).toBe(output)
  })
})
