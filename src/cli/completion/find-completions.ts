import type { Interfaces } from '@oclif/core'
import { readNames } from '../../store/names/read-names.ts'
import { askLine } from './command-line.ts'
import type { Candidate } from './command-line.ts'
import { VALUE_SOURCES } from './value-sources.ts'
import type { ValueSource } from './value-sources.ts'

/** What can stand at the cursor. */
export interface Completions {
  /** Each is the whole word at the cursor. */
  readonly candidates: readonly Candidate[]
  /** What stays of the word at the cursor before a value, such as `--key=`. */
  readonly head: string
  /** Paths fit too; the shell knows them. */
  readonly paths?: ValueSource['paths']
}

/** Finds the URL of the database that flags name; called only when its names are needed. */
export type LocateDatabase = (given: ReadonlyMap<string, string>) => Promise<string>

/** Completes a line: `words` are complete, without the name of the program; `current` is being typed. */
export async function findCompletions(
  config: Interfaces.Config,
  words: readonly string[],
  current: string,
  locate: LocateDatabase,
): Promise<Completions> {
  const { words: known, value, given } = askLine(config, words, current)
  if (!value) return { candidates: known.filter((one) => one.value.startsWith(current)), head: '' }
  const { head, typed } = value
  const source = VALUE_SOURCES[value.name] ?? {}
  const { words: compute = () => [], names: kind, paths } = source
  const plain = [...value.options, ...(await compute())].filter((word) => word.startsWith(typed))
  const names = kind ? readNames(await locate(given), { kind, start: typed }) : []
  const found = [...plain.map((word) => ({ value: word })), ...names]
  // by itself, a name with a leading dash would be a flag
  const usable = found.filter((one) => one.value !== '' && !(head === '' && one.value.startsWith('-')))
  const unique = new Map(usable.map((one) => [one.value, { ...one, value: head + one.value }]))
  return { candidates: [...unique.values()], head, paths }
}
