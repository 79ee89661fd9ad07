import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { readReadmeBlocks } from '../support/read-readme.ts'
import { runCli } from '../support/cli/run-cli.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'

const run = promisify(execFile)
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
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-test-'))
    database = await makeDatabase('sqlite')
    await storeUsage(database.url, ROWS)
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await database.remove()
  })

  test.each(readReadmeBlocks('docs/customers.md').filter(({ language }) => language === 'js'))(
    'line $line: code',
    async ({ text }) => {
      const file = join(folder, 'code.ts')
      const entry = new URL('../../src/index.ts', import.meta.url).href
      const prelude = `import { openUsage, setApiKey } from '${entry}'\nconst ctx: any = { req: {}, state: {} }\n`
      writeFileSync(file, `${prelude}void openUsage, setApiKey, ctx\n${text}`)
      const { stderr } = await run(process.execPath, [file], {
        env: { ...process.env, DATABASE_URL: database.url },
      })
      expect(stderr).toBe('')
    },
  )

  test.each(blocks.map(([, command = '', output]) => [command, output]))('%s', async (command, output) => {
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
})
