import type { Command, Interfaces } from '@oclif/core'

type Flag = Command.Flag.Cached
type Arg = Command.Arg.Cached

/** Something to insert: the whole word at the cursor, and what to show beside it. */
export interface Candidate {
  readonly value: string
  readonly note?: string | undefined
}

/** A value that is asked for. The word at the cursor is `head` + what is typed of the value. */
export interface AskedValue {
  /** Its name in the help, such as KEY. */
  readonly name: string
  /** Values that may be given, where there are few. */
  readonly options: readonly string[]
  readonly head: string
  readonly typed: string
}

/** What the line asks for: one of these words, or a value. */
export interface Asked {
  readonly words: readonly Candidate[]
  readonly value?: AskedValue | undefined
  /** The flags that were typed with a value. */
  readonly given: ReadonlyMap<string, string>
}

/** Finds what can stand at the cursor, from the commands and flags that oclif knows. */
export function askLine(config: Interfaces.Config, words: readonly string[], current: string): Asked {
  const command = findCommand(config, words)
  if (!command) return { words: listCommands(config, words), given: new Map() }
  const rest = words.slice(command.id.split(':').length)
  const { given, used, position, pending, ended } = readFlags(command, rest)
  const flags = Object.values(command.flags).filter(({ hidden }) => !hidden)
  if (pending) return { words: [], value: askFlag(pending, '', current), given }
  const [, flagName, equals] = /^(--[\w-]+)(=)/.exec(ended ? '' : current) ?? []
  if (equals) {
    const flag = flags.find(({ name, type }) => `--${name}` === flagName && type === 'option')
    return { words: [], value: flag && askFlag(flag, `${flagName}=`, current), given }
  }
  const arg = findArg(command, position)
  const isFlag = !ended && (current.startsWith('-') || (current === '' && !arg))
  if (isFlag) return { words: listFlags(flags, used), given }
  if (arg?.name === 'command') return { words: listCommands(config, rest.slice(0, position)), given }
  return { words: [], value: arg && askArg(arg, current), given }
}

/** The command that the words begin with. */
function findCommand(config: Interfaces.Config, words: readonly string[]): Command.Loadable | undefined {
  return [1, 2, 3].map((count) => config.findCommand(words.slice(0, count).join(':'))).findLast(Boolean)
}

/** The commands and topics that may follow some words. */
function listCommands(config: Interfaces.Config, words: readonly string[]): Candidate[] {
  const start = words.map((word) => `${word}:`).join('')
  const next = (id: string) => id.slice(start.length).split(':', 1)[0]!
  const found = config.commands.filter(({ id, hidden }) => !hidden && id.startsWith(start))
  return [...Map.groupBy(found, ({ id }) => next(id))].map(([value, commands]) => {
    const topic = config.topics.find(({ name }) => name === `${start}${value}`)
    const command = commands.find(({ id }) => id === `${start}${value}`)
    return { value, note: topic?.description ?? command?.summary }
  })
}

interface TypedFlags {
  readonly given: ReadonlyMap<string, string>
  /** The flags that were typed. */
  readonly used: readonly Flag[]
  /** How many arguments were typed. */
  readonly position: number
  /** The last word is a flag without its value. */
  readonly pending: Flag | undefined
  /** After `--` there are only arguments. */
  readonly ended: boolean
}

function readFlags(command: Command.Loadable, words: readonly string[]): TypedFlags {
  const given = new Map<string, string>()
  const used: Flag[] = []
  let [position, pending, ended]: [number, Flag | undefined, boolean] = [0, undefined, false]
  for (const word of words) {
    if (pending) {
      given.set(pending.name, word)
      pending = undefined
    } else if (ended || word === '-' || !word.startsWith('-')) position += 1
    else if (word === '--') ended = true
    else {
      const { flag, value } = readFlag(command, word)
      if (!flag) continue
      used.push(flag)
      if (flag.type === 'option' && value === undefined) pending = flag
      else if (value !== undefined) given.set(flag.name, value)
    }
  }
  return { given, used, position, pending, ended }
}

/** Reads `--name`, `--name=value`, `--no-name`, `-n` or `-nvalue`. */
function readFlag(command: Command.Loadable, word: string): { flag?: Flag | undefined; value?: string } {
  const flags = Object.values(command.flags)
  if (!word.startsWith('--')) {
    const flag = flags.find(({ char }) => char === word[1])
    return { flag, ...(word.length > 2 && { value: word.slice(2).replace(/^=/, '') }) }
  }
  const [, name, value] = /^--([^=]*)=?(.*)$/s.exec(word)!
  const flag = flags.find((one) => namesOf(one).includes(`--${name}`))
  return { flag, ...(word.includes('=') && { value: value! }) }
}

function namesOf(flag: Flag): string[] {
  return flag.type === 'boolean' && flag.allowNo
    ? [`--${flag.name}`, `--no-${flag.name}`]
    : [`--${flag.name}`]
}

/** The flags that may still follow. */
function listFlags(flags: readonly Flag[], used: readonly Flag[]): Candidate[] {
  const isUsed = (flag: Flag) => used.some(({ name }) => name === flag.name) && !isRepeatable(flag)
  const isExcluded = (flag: Flag) =>
    used.some(({ name, exclusive }) => exclusive?.includes(flag.name) || flag.exclusive?.includes(name))
  const free = flags.filter((flag) => !isUsed(flag) && !isExcluded(flag))
  return [
    ...free.flatMap((flag) =>
      namesOf(flag).map((value) => ({ value, note: flag.summary ?? flag.description })),
    ),
    { value: '--help', note: 'Explain the command.' },
  ]
}

function isRepeatable(flag: Flag): boolean {
  return flag.type === 'option' && Boolean(flag.multiple)
}

/** The argument at a position; a last one that takes several words goes on. */
function findArg(command: Command.Loadable, position: number): Arg | undefined {
  const args = Object.values(command.args).filter(({ hidden }) => !hidden)
  return args[position] ?? args.findLast(({ multiple }) => multiple)
}

function askFlag(flag: Flag, head: string, current: string): AskedValue {
  if (flag.type !== 'option') return { name: '', options: [], head: '', typed: current }
  // of a list, only the last part is typed now
  const last = flag.delimiter === ',' ? current.lastIndexOf(',') + 1 : 0
  const start = current.slice(0, Math.max(head.length, last))
  return {
    name: String(flag.helpValue ?? ''),
    options: flag.options ?? [],
    head: start,
    typed: current.slice(start.length),
  }
}

function askArg(arg: Arg, current: string): AskedValue {
  return { name: arg.name.toUpperCase(), options: arg.options ?? [], head: '', typed: current }
}
