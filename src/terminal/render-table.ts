import { styleText } from 'node:util'
import CliTable from 'cli-table3'
import { escapeTerminal } from './escape-terminal.ts'
import { cutText, padText, widthOf } from './fit-text.ts'
import { formatCell } from '../report/format-cell.ts'
import type { Cell, Column, ReportTable } from '../report/report-table.ts'

/** The output for text. */
export interface Screen {
  /** Columns per line; without it nothing is cut (a pipe or a file). */
  readonly width?: number
  readonly colour: boolean
}

const GAP = '  '
/**
 * Text columns are cut to the first width before a column is left out, and to the second when no column can be left
 * out.
 */
const COMFORTABLE = 20
const SMALLEST = 6

/** One table for a terminal: numbers to the right, a line under the head and above the total. */
export function renderTable(table: ReportTable, screen: Screen, timeZone = 'UTC'): string {
  const texts = [...table.rows, ...(table.total ? [table.total] : [])].map((row) =>
    row.map((cell, index) => textOfCell(cell, table.columns[index], timeZone)),
  )
  const natural = table.columns.map(({ title }, index) =>
    Math.max(widthOf(escapeTerminal(title)), ...texts.map((row) => widthOf(row[index] ?? ''))),
  )
  const { shown, widths } = fitColumns(table.columns, natural, screen.width ?? Number.POSITIVE_INFINITY)
  const line = (cells: readonly string[]) =>
    shown.map((index, position) => {
      const column = table.columns[index]
      return padText(
        cutText(cells[index] ?? '', widths[position] ?? 0),
        widths[position] ?? 0,
        alignOf(column),
      )
    })
  const rule = widths.map((width) => paint('dim', '─'.repeat(width), screen))
  const body = texts.slice(0, table.rows.length).map(line)
  const head = line(table.columns.map(({ title }) => escapeTerminal(title))).map((text) =>
    paint('bold', text, screen),
  )
  const total = table.total ? [rule, line(texts.at(-1) ?? []).map((text) => paint('bold', text, screen))] : []
  const drawn = draw([head, rule, ...body, ...total])
  const left = table.columns.length - shown.length
  const notes = [
    ...(table.note ? [table.note] : []),
    ...(left > 0 ? [`${left} more column${left === 1 ? '' : 's'} on a wider terminal.`] : []),
  ].map((note) => paint('dim', wrap(escapeTerminal(note), screen), screen))
  const title = table.title
    ? [paint('bold', cutText(escapeTerminal(table.title), screen.width ?? 1000), screen)]
    : []
  return `${[...title, drawn, ...notes].join('\n')}\n`
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

/** Leaves out columns, then divides the rest of the width among the text columns. */
function fitColumns(
  columns: readonly Column[],
  natural: readonly number[],
  width: number,
): { shown: number[]; widths: number[] } {
  const isText = (index: number) => columns[index]?.kind === 'text'
  const sum = (indexes: readonly number[], textAtMost: number) =>
    indexes.reduce(
      (all, index) => all + Math.min(natural[index] ?? 0, isText(index) ? textAtMost : 1000),
      0,
    ) +
    GAP.length * (indexes.length - 1)
  let shown = columns.map((_, index) => index)
  while (sum(shown, COMFORTABLE) > width) {
    const [out] = shown
      .filter((index) => columns[index]?.dropFirst !== undefined)
      .sort((a, b) => (columns[b]?.dropFirst ?? 0) - (columns[a]?.dropFirst ?? 0))
    if (out === undefined) break
    shown = shown.filter((index) => index !== out)
  }
  // The largest width for all text columns with which the table fits; shorter texts stay whole.
  let textAtMost = Math.max(SMALLEST, ...shown.filter(isText).map((index) => natural[index] ?? 0))
  while (textAtMost > SMALLEST && sum(shown, textAtMost) > width) textAtMost--
  return {
    shown,
    widths: shown.map((index) => Math.min(natural[index] ?? 0, isText(index) ? textAtMost : 1000)),
  }
}

function textOfCell(cell: Cell, column: Column | undefined, timeZone: string): string {
  return escapeTerminal(formatCell(cell, column?.kind ?? 'text', timeZone))
}

function alignOf(column: Column | undefined): 'left' | 'right' {
  return column && ['count', 'share', 'change', 'duration'].includes(column.kind) ? 'right' : 'left'
}

function draw(lines: readonly (readonly string[])[]): string {
  const none = ''
  const table = new CliTable({
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: GAP,
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  table.push(...lines.map((line) => [...line]))
  return table.toString().replace(/ +$/gm, '')
}
