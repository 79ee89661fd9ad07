import type { Command, Interfaces } from '@oclif/core'
import { widthOf } from '../../terminal/fit-text.ts'
import { paint, wrap } from '../../terminal/screen.ts'
import type { Screen } from '../../terminal/screen.ts'
import { readExitCodes } from '../base-command.ts'
import { ENVIRONMENT, FILES } from './setting-notes.ts'

type Flag = Command.Flag.Cached
type OptionFlag = Extract<Flag, { type: 'option' }>
type Arg = Command.Arg.Cached

/** A name, and what is said about it. */
type Entry = readonly [name: string, text: string]

const INDENT = 2
/** The text begins in the same column, and a longer name has a line of its own. */
const NAME_WIDTH = 24
/** A flag shows its options in place of a value when they fit in a line. */
const OPTIONS_WIDTH = 60
/** Longer lines are hard to read, however wide the terminal is. */
const MOST_WIDTH = 100
/** The groups of flags, in this order; those of every command come last. */
const LAST_GROUP = 'GLOBAL'

/** The pages that explain a command, or the commands of a topic. */
const PAGES: Readonly<Record<string, string>> = {
  alerts: 'alerts',
  close: 'billing',
  completion: 'shell',
  customers: 'customers',
  dashboard: 'dashboard',
  export: 'reports',
  flush: 'operations',
  help: 'shell',
  import: 'import',
  imports: 'import',
  keys: 'identify-keys',
  migrate: 'postgresql',
  move: 'operations',
  prune: 'operations',
  quotas: 'quotas',
  report: 'reports',
  routes: 'routes',
  security: 'security',
  statements: 'billing',
  verify: 'operations',
}

/** The help of a command, with the sections of a manual page in their usual order. */
export function renderCommandHelp(
  command: Command.Loadable,
  config: Interfaces.Config,
  screen: Screen,
): string {
  const { bin } = config
  const name = `${bin} ${command.id.replaceAll(':', ' ')}`
  const width = Math.min(screen.width ?? MOST_WIDTH, MOST_WIDTH)
  const fill = (text: string) => text.replaceAll('<%= config.bin %>', bin)
  const { text: description, codes } = readExitCodes(fill(command.description ?? ''))
  const flags = Object.values(command.flags).filter(({ hidden }) => !hidden)
  const args = Object.values(command.args).filter(({ hidden }) => !hidden)
  const ofCommand = ({ flag }: { flag: string }) => flags.some(({ name }) => name === flag)
  const toEntry = ({ name, text }: { name: string; text: string }): Entry => [name, text]
  const list = (entries: readonly Entry[]) => renderList(entries, width)
  const sections: [title: string, body: string][] = [
    ['NAME', renderText(`${name} - ${lowerFirst(command.summary ?? '')}`, width)],
    [
      'SYNOPSIS',
      renderText(
        [name, ...args.map(showArg), ...flags.filter(isRequired).map(showFlag), '[OPTION]...'].join(' '),
        width,
      ),
    ],
    ['DESCRIPTION', renderText(description, width)],
    ['ARGUMENTS', list(args.map((arg) => [showArg(arg), describeArg(arg)]))],
    ...groupFlags(flags).map(([group, ones]): [string, string] => [
      group === '' ? 'OPTIONS' : `${group} OPTIONS`,
      list(ones.map((flag) => [labelFlag(flag, ones), describeFlag(flag)])),
    ]),
    [
      'EXAMPLES',
      examplesOf(command)
        .map((example) => indent(fill(example), INDENT))
        .join('\n'),
    ],
    ['EXIT STATUS', list(codes)],
    ['ENVIRONMENT', list(ENVIRONMENT.filter(ofCommand).map(toEntry))],
    ['FILES', list(FILES.filter(ofCommand).map(toEntry))],
    ['SEE ALSO', renderText(seeAlso(command, config).join('\n'), width)],
  ]
  return sections
    .filter(([, body]) => body !== '')
    .map(([title, body]) => `${paint('bold', title, screen)}\n${body}\n`)
    .join('\n')
}

/** Paragraphs; a line that begins with spaces stays as it is, because it is a command. */
function renderText(text: string, width: number): string {
  const lines = text.split('\n').map((line) => {
    return line.startsWith(' ') ? line : wrap(line, { width: width - INDENT })
  })
  return indent(lines.join('\n').trim(), INDENT)
}

function renderList(entries: readonly Entry[], width: number): string {
  const names = entries.map(([name]) => widthOf(name)).filter((length) => length <= NAME_WIDTH)
  const column = INDENT + Math.max(0, ...names) + 2
  const lines = entries.map(([name, text]) => {
    const body = indent(wrap(text, { width: width - column }), column)
    const first = `${' '.repeat(INDENT)}${name}`
    return widthOf(name) > NAME_WIDTH ? `${first}\n${body}` : first.padEnd(column) + body.slice(column)
  })
  return lines.join('\n')
}

function indent(text: string, spaces: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(spaces))
}

function lowerFirst(text: string): string {
  return text.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase()).replace(/\.$/, '')
}

function showArg(arg: Arg): string {
  const name = arg.name.toUpperCase() + (arg.multiple ? '...' : '')
  return arg.required ? name : `[${name}]`
}

function describeArg({ description = '', options }: Arg): string {
  return options ? `${description} ${listOptions(options)}` : description
}

function isRequired({ required }: Flag): boolean {
  return Boolean(required)
}

function showFlag(flag: Flag): string {
  return flag.type === 'option' ? `--${flag.name}=${valueOf(flag)}` : `--${flag.name}`
}

function valueOf({ helpValue, name, options }: OptionFlag): string {
  if (typeof helpValue === 'string') return helpValue
  return optionsFit(options) ? options.join('|') : name.toUpperCase()
}

function optionsFit(options: readonly string[] | undefined): options is readonly string[] {
  return options !== undefined && options.join('|').length <= OPTIONS_WIDTH
}

/** Where others of a list have a letter, the long names stand below each other. */
function labelFlag(flag: Flag, others: readonly Flag[]): string {
  const shown = flag.type === 'boolean' && flag.allowNo ? `--[no-]${flag.name}` : showFlag(flag)
  if (flag.char) return `-${flag.char}, ${shown}`
  return others.some(({ char }) => char) ? `    ${shown}` : shown
}

function describeFlag(flag: Flag): string {
  const text = flag.summary ?? flag.description ?? ''
  if (flag.type !== 'option') return text
  const { options, default: standard, required } = flag
  return [
    text,
    ...(options && !optionsFit(options) ? [listOptions(options)] : []),
    ...(standard === undefined || /default/i.test(text) ? [] : [`Default: ${String(standard)}.`]),
    ...(required ? ['Required.'] : []),
  ].join(' ')
}

function listOptions(options: readonly string[]): string {
  return `One of: ${options.join(', ')}.`
}

/** The flags by their group: those of the command itself first. */
function groupFlags(flags: readonly Flag[]): [group: string, flags: Flag[]][] {
  const sorted = flags.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const groups = [...Map.groupBy(sorted, ({ helpGroup = '' }) => helpGroup)]
  const rank = (group: string) => (group === '' ? 0 : group === LAST_GROUP ? 2 : 1)
  return groups.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

function examplesOf({ examples = [] }: Command.Loadable): string[] {
  return examples.map((example) => (typeof example === 'string' ? example : example.command))
}

/** The other commands of its topic, and the pages that its text names. */
function seeAlso({ id, description = '', flags }: Command.Loadable, config: Interfaces.Config): string[] {
  const [topic] = id.split(':')
  const siblings = config.commands.filter(
    (one) => one.id !== id && !one.hidden && one.id.startsWith(`${topic}:`),
  )
  const texts = [description, ...Object.values(flags).map(({ summary = '' }) => summary)].join(' ')
  const named = [...texts.matchAll(/docs\/[\w-]+\.md/g)].map(([page]) => page)
  const pages = new Set([`docs/${PAGES[topic!] ?? 'getting-started'}.md`, ...named])
  return [...siblings.map((one) => `${config.bin} ${one.id.replaceAll(':', ' ')}`), ...pages]
}
