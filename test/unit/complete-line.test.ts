import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { Config } from '@oclif/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { readBashLine } from '../../src/cli/completion/bash-line.ts'
import type { Quote } from '../../src/cli/completion/bash-line.ts'
import { askLine } from '../../src/cli/completion/command-line.ts'
import { readFishToken } from '../../src/cli/completion/fish-token.ts'
import { findCompletions } from '../../src/cli/completion/find-completions.ts'
import { quoteForBash } from '../../src/cli/completion/quote-for-bash.ts'
import { VALUE_SOURCES } from '../../src/cli/completion/value-sources.ts'
import { SOURCES } from '../support/cli/run-cli.ts'

const BREAKS = ' \t\n"\'@><=;|&(:'

let config: Config
beforeAll(async () => {
  config = await Config.load(SOURCES)
})

/** The values that fit a line; the last word is being typed. No database is read. */
async function complete(line: string): Promise<string[]> {
  const words = line.split(' ')
  const locate = () => expect.fail('No database is needed.')
  const { candidates } = await findCompletions(config, words.slice(0, -1), words.at(-1)!, locate)
  return candidates.map(({ value }) => value)
}

describe('a line is completed from what oclif knows', () => {
  test('every command and every topic', async () => {
    for (const { id, hidden } of config.commands) {
      const words = id.split(':')
      for (let count = 1; count <= words.length; count += 1) {
        const found = await complete(words.slice(0, count).join(' '))
        expect({ id, found: found.includes(words[count - 1]!) }).toEqual({ id, found: !hidden })
      }
    }
  })

  test('every flag of every command, and the values of those with options', async () => {
    for (const { id, flags, hidden } of config.commands) {
      if (hidden) continue
      const start = id.replaceAll(':', ' ')
      const found = await complete(`${start} --`)
      for (const flag of Object.values(flags)) {
        expect(found).toContain(`--${flag.name}`)
        if (flag.type !== 'option' || !flag.options) continue
        expect(await complete(`${start} --${flag.name} `)).toEqual(flag.options)
        expect(await complete(`${start} --${flag.name}=`)).toEqual(
          flag.options.map((option) => `--${flag.name}=${option}`),
        )
      }
      expect(found).toContain('--help')
    }
  })

  /** A new flag or argument fails here until its value has a source: give it one of these names, or add its own. */
  test('every value has a source', () => {
    const flags = config.commands.flatMap(({ flags }) => Object.values(flags))
    const values = flags.flatMap((flag) =>
      flag.type === 'option' && !flag.options ? [String(flag.helpValue)] : [],
    )
    const args = config.commands.flatMap(({ args }) => Object.values(args).filter(({ options }) => !options))
    const names = [...values, ...args.map(({ name }) => name.toUpperCase())]
    const known = new Set([...Object.keys(VALUE_SOURCES), 'COMMAND'])
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })

  test.each([
    ['rep', ['report']],
    ['keys na', ['name']],
    ['nonsense ', []],
    ['report --by key,mon', ['key,month']],
    ['report --by=key,mon', ['--by=key,month']],
    [
      'report --status=4',
      ['--status=4xx', '--status=401', '--status=403', '--status=404', '--status=429'].sort(),
    ],
    ['report --month 2', 12],
    ['report --tz Europe/Berl', ['Europe/Berlin']],
    ['report --format csv --csv-s', ['--csv-separator']],
    ['report --unknown --unt', ['--until']],
    ['export --columns bucket,keyLab', ['bucket,keyLabel']],
    // used once, and it cannot be repeated
    ['report --month 2026-10 --mon', []],
    ['report --by key --by', ['--by']],
    // excluded by what is there
    ['report --json --wa', []],
    ['migrate --check --dow', []],
    ['prune --no-pro', ['--no-progress']],
    ['completion ', ['bash', 'fish', 'zsh']],
    // all arguments are there: flags are left
    ['completion zsh --js', ['--json']],
  ])('%s', async (line, expected) => {
    const found = await complete(line)
    expect(typeof expected === 'number' ? found.length : found.sort()).toEqual(expected)
  })

  test.each([
    ['report --key ac', { name: 'KEY', head: '', typed: 'ac' }],
    ['report -k ac', { name: 'KEY', head: '', typed: 'ac' }],
    ['report --key=ac', { name: 'KEY', head: '--key=', typed: 'ac' }],
    ['report --unit to', { name: 'UNIT', head: '', typed: 'to' }],
    ['quotas set --unit tokens ac', { name: 'KEY', head: '', typed: 'ac' }],
    // after -- there are no flags
    ['keys name -- --na', { name: 'KEY', head: '', typed: '--na' }],
    ['keys name -- ac', { name: 'KEY', head: '', typed: 'ac' }],
    ['customers rename ac', { name: 'OWNER', head: '', typed: 'ac' }],
    ['statements show 2026', { name: 'STATEMENT', head: '', typed: '2026' }],
  ] as const)('%s asks for a name', (line, value) => {
    const words = line.split(' ')
    const asked = askLine(config, words.slice(0, -1), words.at(-1)!)
    expect(asked.value).toMatchObject(value)
  })

  test('remembers which database the line names so far', () => {
    const words = ['report', '--database=sqlite:a.db', '--data-dir', 'b', '--env-file', 'c=d', '--key']
    expect([...askLine(config, words, '').given]).toEqual([
      ['database', 'sqlite:a.db'],
      ['data-dir', 'b'],
      ['env-file', 'c=d'],
    ])
  })
})

describe('a line of bash', () => {
  test.each([
    ['x report --key Mob', ['x', 'report', '--key'], 'Mob', '', 'Mob'],
    ['x report --key ', ['x', 'report', '--key'], '', '', ''],
    ["x --key 'Mobile a", ['x', '--key'], 'Mobile a', "'", 'Mobile a'],
    ['x --key=Mob', ['x'], '--key=Mob', '', 'Mob'],
    ['x --key="Mob', ['x'], '--key=Mob', '"', 'Mob'],
    ['x a:b:c', ['x'], 'a:b:c', '', 'c'],
    ['x a\\:b', ['x'], 'a:b', '', 'a\\:b'],
    [String.raw`x 'O'\''Ne`, ['x'], "O'Ne", "'", 'Ne'],
    [String.raw`x Mobile\ a`, ['x'], 'Mobile a', '', String.raw`Mobile\ a`],
    [String.raw`x Mobile\ `.trimEnd(), ['x'], 'Mobile', '', 'Mobile'],
    [String.raw`x $'a\x0ab' "$HOME" $(id)`, ['x', 'a\nb', '$HOME'], '$(id)', '', 'id)'],
    [String.raw`x "a\"b\c" `, ['x', String.raw`a"b\c`], '', '', ''],
    ["x '' ", ['x', ''], '', '', ''],
  ] as const)('%s', (line, words, current, quote, replaced) => {
    expect(readBashLine(line, BREAKS)).toEqual({ words, current, quote, replaced })
  })

  test('whatever a name holds, bash reads exactly it, runs nothing, and prints no control character', () => {
    const texts = fc
      .sample(
        fc.record({
          text: fc.oneof(
            fc.string({ unit: 'binary', maxLength: 12 }),
            fc.string({
              unit: fc.constantFrom(...Array.from('ab \'"\\$`!(){}[]*?~#&;|<>=:@%^\n\t\u001b\u202eé日😀')),
              maxLength: 12,
            }),
          ),
          cut: fc.nat(12),
          quote: fc.constantFrom<Quote>('', "'", '"', "$'"),
        }),
        500,
      )
      .filter(({ text }) => !/[\0\p{Cs}]/u.test(text))
    const lines = texts.map(({ text, cut, quote }) => {
      const characters = Array.from(text)
      const start = characters.slice(0, cut).join('')
      // typed so far as somebody could have typed it; then the completion takes its place
      const opened = quote + (quote === '' ? quoteForBash(start, quote) : quoteOpen(start, quote))
      const typed = readBashLine(`x ${opened}`, BREAKS)
      expect({ current: typed.current, quote: typed.quote }).toEqual({ current: start, quote })
      const kept = opened.slice(0, opened.length - typed.replaced.length)
      const completion = typed.replaced + quoteForBash(text.slice(start.length), quote)
      // eslint-disable-next-line no-control-regex
      expect(completion).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      return close(kept + completion, quote, text.slice(start.length) === '')
    })
    const script = `PATH=\nset -f +H\n${lines.map((word) => `printf '%s\\0' x${word}`).join('\n')}\n`
    const output = execFileSync('bash', ['--norc', '-s'], {
      input: script,
      env: { LANG: 'C.UTF-8', PATH: process.env['PATH'] },
    })
    expect(output.toString().split('\0').slice(0, -1)).toEqual(texts.map(({ text }) => `x${text}`))
  })
})

/** The same without the end that `quoteForBash` may add. */
function quoteOpen(text: string, quote: Quote): string {
  return quoteForBash(`${text}a`, quote).slice(0, -1)
}

/** What readline does after the only completion: it closes the quote unless the line ends with it. */
function close(word: string, quote: Quote, isUnchanged: boolean): string {
  if (quote === '') return word
  const isEnded = word.endsWith(quote.at(-1)!) && !isUnchanged
  return isEnded ? word : word + quote.at(-1)!
}

test.each([
  ['Mob', 'Mob'],
  ["'Mobile a", 'Mobile a'],
  [String.raw`'O\'Ne`, "O'Ne"],
  [String.raw`"a\"b\$c`, 'a"b$c'],
  [String.raw`Mobile\ a\nb`, 'Mobile a\nb'],
  [String.raw`--key="Mob`, '--key=Mob'],
])('fish: %s', (token, text) => expect(readFishToken(token)).toBe(text))
