import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { readBashLine } from './bash-line.ts'
import { readFishToken } from './fish-token.ts'
import type { Completions } from './find-completions.ts'
import { quoteForBash } from './quote-for-bash.ts'

/** The shells that can complete commands. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** A line as a shell passes it, and how the answer is written for it. */
export interface ShellLine {
  /** The complete words after the name of the program. */
  readonly words: readonly string[]
  readonly current: string
  readonly write: (completions: Completions) => string
}

/** Reads the arguments that the script of a shell passes to the hidden command `complete`. */
export const SHELL_LINES: Readonly<Record<Shell, (given: readonly string[]) => ShellLine>> = {
  bash([breaks = '', line = '']) {
    const { words, current, replaced, quote } = readBashLine(line, breaks)
    return {
      words: words.slice(1),
      current,
      // a line each: quoting leaves no line end in a word
      write: ({ candidates, paths }) =>
        [
          paths ?? '',
          ...candidates.map(({ value }) => replaced + quoteForBash(value.slice(current.length), quote)),
          '',
        ].join('\n'),
    }
  },
  zsh(given) {
    return {
      words: given.slice(0, -1),
      current: given.at(-1) ?? '',
      write: ({ candidates, head, paths }) =>
        fields([
          paths ?? '',
          head,
          ...candidates.flatMap(({ value, note }) => [value, describe(value.slice(head.length), note)]),
        ]),
    }
  },
  fish(given) {
    return {
      words: given.slice(0, -1),
      current: readFishToken(given.at(-1) ?? ''),
      write: ({ candidates, head, paths }) =>
        fields([
          paths ?? '',
          head,
          // fish takes a tab for the end of the word
          ...candidates
            .filter(({ value }) => !value.includes('\t'))
            .map(({ value, note }) => (note === undefined ? value : `${value}\t${escapeTerminal(note)}`)),
        ]),
    }
  },
}

/** Fields with NUL after each: no name has one. */
function fields(texts: readonly string[]): string {
  return texts.map((text) => `${text}\0`).join('')
}

function describe(value: string, note: string | undefined): string {
  return escapeTerminal(note === undefined ? value : `${value}  -- ${note}`)
}
