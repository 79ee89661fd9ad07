import { existsSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { Config } from '@oclif/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/index.ts'
import { renderCommandHelp } from '../../src/cli/help/render-command-help.ts'
import { widthOf } from '../../src/terminal/fit-text.ts'
import { SOURCES } from '../support/cli/run-cli.ts'

const SECTIONS = [
  'NAME',
  'SYNOPSIS',
  'DESCRIPTION',
  'ARGUMENTS',
  'OPTIONS',
  'EXAMPLES',
  'EXIT STATUS',
  'ENVIRONMENT',
  'FILES',
  'SEE ALSO',
]
const VISIBLE = Object.entries(COMMANDS).flatMap(([id, command]) =>
  'hidden' in command && command.hidden ? [] : [id],
)

let config: Config
beforeAll(async () => {
  config = await Config.load(SOURCES)
})

const helpOf = (id: string, width: number, colour = false): string =>
  renderCommandHelp(config.findCommand(id, { must: true }), config, { width, colour })

/** The lines of a section, such as OPTIONS with all its groups. */
function sectionOf(help: string, title: string): string[] {
  const parts = help.split(/^(?=[A-Z])/m).filter((part) => part.split('\n', 1)[0]!.endsWith(title))
  return parts.flatMap((part) => part.split('\n').slice(1))
}

test('the help describes every topic itself, and not one of its commands', () => {
  const topics = new Set(VISIBLE.flatMap((id) => (id.includes(':') ? [id.split(':')[0]!] : [])))
  const described = config.pjson.oclif.topics as Record<string, { description: string }>
  expect(Object.keys(described)).toEqual([...topics].toSorted())
  for (const topic of topics) expect(config.findTopic(topic)?.description).toBe(described[topic]!.description)
})

describe.each(VISIBLE)('the help of %s', (id) => {
  test.each([80, 120])(
    'has its sections in the order of a manual page, and fits into %i columns',
    (width) => {
      const help = helpOf(id, width)
      const titles = help.split('\n').filter((line) => /^[A-Z]/.test(line))
      const order = titles.map((title) => SECTIONS.indexOf(title.replace(/^\w+ (?=OPTIONS)/, '')))
      expect(order).toEqual(order.toSorted((a, b) => a - b))
      expect(order).not.toContain(-1)
      expect(titles).toEqual(
        expect.arrayContaining(['NAME', 'SYNOPSIS', 'GLOBAL OPTIONS', 'EXAMPLES', 'EXIT STATUS', 'SEE ALSO']),
      )
      // commands are there to be copied: they stay in one line
      const copied = new Set([
        ...sectionOf(help, 'EXAMPLES'),
        ...sectionOf(help, 'DESCRIPTION').filter((line) => line.startsWith('    ')),
      ])
      const wide = help.split('\n').filter((line) => widthOf(line) > width && !copied.has(line))
      expect(wide).toEqual([])
      expect(help).not.toMatch(/<%|undefined|\[object| $/m)
    },
  )

  test('explains every flag and argument once', () => {
    const { flags, args } = config.findCommand(id, { must: true })
    const options = sectionOf(helpOf(id, 80), 'OPTIONS').join('\n')
    for (const { name } of Object.values(flags)) {
      const label = new RegExp(`^ {2,6}(-\\w, )?--(\\[no-\\])?${name}(?![\\w-])`, 'gm')
      expect({ name, times: options.match(label)?.length }).toEqual({ name, times: 1 })
    }
    const explained = sectionOf(helpOf(id, 80), 'ARGUMENTS').join('\n')
    for (const { name } of Object.values(args)) expect(explained).toContain(name.toUpperCase())
  })

  test('leads to pages that exist', () => {
    const pages = sectionOf(helpOf(id, 80), 'SEE ALSO')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('docs/'))
    expect(pages.length).toBeGreaterThan(0)
    expect(pages.filter((page) => !existsSync(new URL(`../../${page}`, import.meta.url)))).toEqual([])
  })
})

test('headings are bold on a terminal with colours, and the text is the same', () => {
  const coloured = helpOf('report', 80, true)
  expect(coloured).toContain('\u001b[1mSYNOPSIS\u001b[22m')
  expect(stripVTControlCharacters(coloured)).toBe(helpOf('report', 80))
})

test('a synopsis shows what must be given', () => {
  expect(sectionOf(helpOf('close', 80), 'SYNOPSIS')[0]).toBe(
    '  apikey-analytics close --billable=STATUS [OPTION]...',
  )
  expect(sectionOf(helpOf('quotas:set', 80), 'SYNOPSIS')[0]).toBe(
    '  apikey-analytics quotas set [KEY] --limit=N [OPTION]...',
  )
})
