import { styleText } from 'node:util'
import { widthOf } from './fit-text.ts'

/** The output for text. */
export interface Screen {
  /** Columns per line; without it nothing is cut (a pipe or a file). */
  readonly width?: number | undefined
  readonly colour: boolean
}

/** Colours text on a screen with colours. */
export function paint(style: Parameters<typeof styleText>[0], text: string, { colour }: Screen): string {
  return colour ? styleText(style, text, { validateStream: false }) : text
}

/** Breaks text between words so that no line is wider than the output. */
export function wrap(text: string, { width = Number.POSITIVE_INFINITY }: Pick<Screen, 'width'>): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line)
      line = word
    } else line = line ? `${line} ${word}` : word
  }
  return [...lines, line].join('\n')
}
