import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SHELLS as SHELL_NAMES } from '../../src/cli/completion/write-completions.ts'
import { makeDatabase } from '../support/databases/databases.ts'
import type { TestDatabase } from '../support/databases/databases.ts'
import { SCRIPT, SHELLS } from '../support/find-installed.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { storeUsage, testKey } from '../support/usage/store-usage.ts'
import { readReadme } from '../support/read-readme.ts'
import { COMPLETION_LINES, sitAtShell } from '../support/cli/type-in-shell.ts'
import type { TypingPerson } from '../support/cli/type-in-shell.ts'

const TAB = '\t'
/** A name that runs something wherever a shell reads it as code. */
const HOSTILE =
  '~it\'s $(touch canary) `touch canary` "q" back\\slash ;touch canary;|&<>(){a,b}[]*?#!!x=a:b@c^%n$HOME'
/** A name that breaks lines and controls terminals. */
const CONTROLS = '=multi\nline \u001b[31mred \u202ertl é日本😀\n'

/** All at a real terminal: keys are typed, Tab completes, Enter runs; then what the program got is compared. */
describe.each(SHELL_NAMES.filter((shell) => SCRIPT && SHELLS[shell]))('completion in %s', (shell) => {
  const databases = new Map<string, TestDatabase>()
  const people = new Map<string, TypingPerson>()

  beforeAll(async () => {
    for (const name of ['Mobile app', HOSTILE, CONTROLS]) {
      const database = await makeDatabase('sqlite')
      await storeUsage(database.url, [
        { key: testKey(1, 'label', { name }), bucket: '2026-10-01T10:00Z', requests: 1 },
      ])
      databases.set(name, database)
      people.set(name, sitAtShell(shell, { DATABASE_URL: database.url }))
    }
  })
  afterAll(async () => {
    for (const person of people.values()) person.remove()
    for (const database of databases.values()) await database.remove()
  })

  /** A statement about names is limited; a busy machine may need that time for something else: then it is typed again. */
  async function expectArguments(name: string, keys: string, args: readonly string[]): Promise<void> {
    const person = people.get(name)!
    await expect.poll(async () => (await person.type(keys)).args, { timeout: PATIENCE_MS }).toEqual(args)
  }

  test('is set up as docs/shell.md says', () => {
    expect(readReadme('docs/shell.md')).toContain(`\`${COMPLETION_LINES[shell]}\``)
  })

  test('completes a command, a flag and a name', async () => {
    await expectArguments('Mobile app', `apikey-analytics repo${TAB}--ke${TAB}Mo${TAB}`, [
      'report',
      '--key',
      'Mobile app',
    ])
  })

  test('completes a file where one is wanted', async () => {
    writeFileSync(join(people.get('Mobile app')!.folder, 'october 1.csv'), '')
    const keys = `apikey-analytics report --out oct${TAB}`
    await expectArguments('Mobile app', keys, ['report', '--out', 'october 1.csv'])
  })

  test.each<[string, string]>([
    ['--key ', HOSTILE],
    ["--key '", HOSTILE],
    ['--key="', HOSTILE],
    ['--key ', CONTROLS],
    ["--key '", CONTROLS],
  ])('passes on exactly the name and runs nothing of it: %j %j', async (start, name) => {
    const args = start.includes('=') ? [`--key=${name}`] : ['--key', name]
    await expectArguments(name, `apikey-analytics report ${start}${TAB}`, ['report', ...args])
    const { folder } = people.get(name)!
    expect(existsSync(join(folder, 'canary'))).toBe(false)
  })

  test('completes a function of that name, as docs/shell.md has it for npx', async () => {
    const [, sh = ''] = /^(apikey-analytics\(\) .*)$/m.exec(readReadme('docs/shell.md')) ?? []
    const [, fish = ''] = /`(function apikey-analytics; .*; end)`/.exec(readReadme('docs/shell.md')) ?? []
    const keys = `${shell === 'fish' ? fish : sh}\rapikey-analytics repo${TAB}`
    await expectArguments('Mobile app', keys, ['report'])
    expect(existsSync(join(people.get('Mobile app')!.folder, 'npx-was-used'))).toBe(true)
  })

  test('leaves the line as it is, without a message, when the database cannot be read', async () => {
    const person = people.get('Mobile app')!
    const keys = `apikey-analytics report --database sqlite:/nowhere/x.db --key Mo${TAB}`
    const { args, screen } = await person.type(keys)
    expect(args).toEqual(['report', '--database', 'sqlite:/nowhere/x.db', '--key', 'Mo'])
    expect(screen).not.toMatch(/error/i)
  })
})
