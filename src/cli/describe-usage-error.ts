import { stripVTControlCharacters } from 'node:util'

/** What oclif's errors have; those about arguments have the arguments. */
interface ParserError {
  readonly message?: string
  readonly args?: readonly (string | { readonly name: string; readonly description?: string })[]
}

const list = (names: string, word: string): string => names.split(', ').join(` ${word} `)

/** What oclif says of flags, and what to say instead. */
const SENTENCES: readonly (readonly [RegExp, (...found: string[]) => string])[] = [
  [/^Missing required flag (\S+)$/, (flag) => `Missing --${flag}.`],
  [/^Flag (--\S+) expects a value$/, (flag) => `${flag} needs a value.`],
  [/^Exactly one of the following must be provided: (.*)$/, (flags) => `Pass ${list(flags, 'or')}.`],
  [/^At least one of the following must be provided: (.*)$/, (flags) => `Pass ${list(flags, 'or')}.`],
  [
    /^All of the following must be provided when using (--\S+): (.*)$/,
    (flag, others) => `${flag} needs ${list(others, 'and')}.`,
  ],
  [
    /^(--[^=\s]+)(?:=.*)? cannot also be provided when using (--\S+)$/s,
    (...flags) => `Pass either ${flags.toSorted().join(' or ')}, not both.`,
  ],
]

/** What oclif says of a whole number, after the flag that it parsed. */
const NUMBER =
  /^(?:Parsing (--\S+)\s+)?Expected an integer(?: (greater|less) than or equal to (\d+))? but received: (.*)$/s

/** An error of oclif in the words of this command line; undefined for those that oclif says well. */
export function describeUsageError({ args, message = '' }: ParserError): string | undefined {
  if (Array.isArray(args)) return args.map(describeArg).join(' ')
  const text = stripVTControlCharacters(message).replace(/\s*\n\s*See more help with --help$/, '')
  const number = NUMBER.exec(text)
  if (number) return describeNumber(number)
  const lines = text.replace(/^The following errors? occurred:\s*/, '').split(/\s*\n\s*/)
  const sentences = lines.map(translate)
  if (sentences.includes(undefined)) return undefined
  // that two flags exclude each other is said of both
  return [...new Set(sentences)].join(' ')
}

function describeArg(arg: string | { name: string; description?: string }): string {
  if (typeof arg === 'string') return `Unexpected argument "${arg}".`
  const { name, description = '' } = arg
  return `Missing ${name.toUpperCase()}: ${description.charAt(0).toLowerCase()}${description.slice(1)}`
}

function describeNumber([, flag, side, border, given]: RegExpExecArray): string {
  const expected =
    border === undefined ? 'a whole number' : `at ${side === 'less' ? 'most' : 'least'} ${border}`
  return `${flag === undefined ? 'Expected' : `${flag} must be`} ${expected}, not ${given}.`
}

function translate(line: string): string | undefined {
  for (const [pattern, say] of SENTENCES) {
    const found = pattern.exec(line)
    if (found) return say(...found.slice(1))
  }
  return undefined
}
