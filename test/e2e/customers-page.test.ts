import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openUsage } from '../../src/index.ts'
import { makeDatabase } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { runCli } from '../support/run-cli.ts'
import { storeUsage, testKey } from '../support/store-usage.ts'

const PAGE = readFileSync(new URL('../../docs/customers.md', import.meta.url), 'utf8')

const mobile = testKey(1, 'key_mobile', { name: 'Mobile app', owner: 'Acme' })
const shop = testKey(2, 'key_shop', { name: 'Web shop', owner: 'Acme' })
const books = testKey(3, 'key_books', { name: 'Bookkeeping', owner: 'Globex' })

/** Every day of October at ten. */
const ROWS = Array.from({ length: 31 }, (_, day) => {
  const bucket = new Date(Date.UTC(2026, 9, 1 + day, 10)).toISOString()
  return [
    { key: mobile, bucket, requests: 32 },
    { key: shop, bucket, requests: day === 14 ? 62 : 0 },
    { key: books, bucket, requests: 7 },
    { key: books, bucket, status: 404, requests: 1 },
  ].filter(({ requests }) => requests > 0)
}).flat()

describe('docs/customers.md', () => {
  const blocks = [...PAGE.matchAll(/^```sh\n(.*?)\n```\n(?:\n```text\n(.*?)```\n)?/gms)]
  let database: TestDatabase
  beforeAll(async () => {
    database = await makeDatabase('sqlite')
    await storeUsage(database.url, ROWS)
  })
  afterAll(() => database.remove())

  it.each(blocks.map(([, command = '', output]) => [command, output]))('%s', async (command, output) => {
    const [npx, name, ...args] = command.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''))
    expect([npx, name]).toEqual(['npx', 'apikey-analytics'])
    const { code, stdout, stderr } = await runCli(args, {
      env: { DATABASE_URL: database.url, COLUMNS: '120' },
    })
    expect({ code, command }).toEqual({ code: 0, command })
    const shown = (stderr + stdout).replaceAll('\r\n', '\n')
    // below the heading
    if (output !== undefined) expect(shown.split('\n\n').at(-1)).toBe(output)
  })

  it('uses functions that there are', async () => {
    const code = PAGE.slice(PAGE.indexOf('## From code'))
    const usage = await openUsage(database.url)
    const names = [...code.matchAll(/usage\.(\w+)\(/g)].map(([, name = '']) => name)
    expect(names).toEqual(['findKeys', 'findOwners', 'findUsage', 'close'])
    for (const name of names) expect(usage[name as keyof typeof usage]).toBeTypeOf('function')
    await usage.close()
  })
})
