import CliTable from 'cli-table3'
import { formatCell } from './format-cell.ts'
import { isNumeric } from './report-table.ts'
import type { Cell, Column, ReportTable } from './report-table.ts'
import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { cutText, widthOf } from '../../terminal/fit-text.ts'
import { paint, wrap } from '../../terminal/screen.ts'
import type { Screen } from '../../terminal/screen.ts'
import { StandIns } from '../../terminal/stand-ins.ts'
import { countOf } from '../../terminal/format-number.ts'

const GAP = '  '
/**
 * Text columns are cut to the first width before a column is left out, and to the second when no column can be left
 * out.
 */
const COMFORTABLE = 20
const SMALLEST = 6

/** Nothing around the table, and nothing between rows but where a row asks for `RULE`. */
const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
}
/** A line above a row. */
const RULE = { mid: '─', 'mid-mid': GAP }

/** One table for a terminal: numbers to the right, a line under the head and above the total. */
export function renderTable(table: ReportTable, screen: Screen, timeZone = 'UTC'): string {
  const { title, rows, total, note } = table
  const toTexts = (row: readonly Cell[]): string[] =>
    table.columns.map(({ kind }, index) => escapeTerminal(formatCell(row[index] ?? null, kind, timeZone)))
  const head = table.columns.map((column) => escapeTerminal(column.title))
  const body = rows.map(toTexts)
  const foot = total ? [toTexts(total)] : []
  const natural = head.map((text, index) =>
    Math.max(widthOf(text), ...[...body, ...foot].map((row) => widthOf(row[index]!))),
  )
  const columns = fitColumns(table.columns, natural, screen.width ?? Number.POSITIVE_INFINITY)
  const left = table.columns.length - columns.length
  const notes = [note, left > 0 && `${countOf(left, 'more column')} on a wider terminal.`].filter(
    (text) => typeof text === 'string',
  )
  return [
    title && paint('bold', cutText(escapeTerminal(title), screen.width ?? 1000), screen),
    draw({ head, body, foot, columns, screen }),
    ...notes.map((text) => paint('dim', wrap(escapeTerminal(text), screen), screen)),
  ]
    .filter(Boolean)
    .map((part) => `${part}\n`)
    .join('')
}

/** A column that is shown, by its index in the table. */
interface FittedColumn {
  readonly index: number
  readonly width: number
  readonly align: 'left' | 'right'
}

/** Leaves out columns, then divides the rest of the width among the text columns. */
function fitColumns(
  columns: readonly Column[],
  natural: readonly number[],
  width: number,
): readonly FittedColumn[] {
  const isText = (index: number) => columns[index]!.kind === 'text'
  const widthAt = (index: number, textAtMost: number) =>
    isText(index) ? Math.min(natural[index]!, textAtMost) : natural[index]!
  const sum = (indexes: readonly number[], textAtMost: number) =>
    indexes.reduce((all, index) => all + widthAt(index, textAtMost), 0) + GAP.length * (indexes.length - 1)
  let shown = columns.map((_, index) => index)
  while (sum(shown, COMFORTABLE) > width) {
    const [out] = shown
      .filter((index) => columns[index]!.dropFirst !== undefined)
      .sort((a, b) => columns[b]!.dropFirst! - columns[a]!.dropFirst!)
    if (out === undefined) break
    shown = shown.filter((index) => index !== out)
  }
  // The largest width for all text columns with which the table fits; shorter texts stay whole.
  let textAtMost = Math.max(SMALLEST, ...shown.filter(isText).map((index) => natural[index]!))
  while (textAtMost > SMALLEST && sum(shown, textAtMost) > width) textAtMost--
  return shown.map((index) => ({
    index,
    width: widthAt(index, textAtMost),
    align: isNumeric(columns[index]!) ? 'right' : 'left',
  }))
}

/** All texts of a table, already escaped. */
interface Drawing {
  readonly head: readonly string[]
  readonly body: readonly (readonly string[])[]
  readonly foot: readonly (readonly string[])[]
  readonly columns: readonly FittedColumn[]
  readonly screen: Screen
}

function draw({ head, body, foot, columns, screen }: Drawing): string {
  const standIns = new StandIns()
  const hide = (row: readonly string[]) => columns.map(({ index }) => standIns.hide(row[index]!))
  const bold = (row: readonly string[]) => hide(row).map((text) => text && paint('bold', text, screen))
  const withRule = (row: readonly string[]) => row.map((content) => ({ content, chars: RULE }))
  const table = new CliTable({
    head: bold(head),
    colWidths: columns.map(({ width }) => width),
    colAligns: columns.map(({ align }) => align),
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  table.push(...body.map((row, index) => (index === 0 ? withRule(hide(row)) : hide(row))))
  table.push(...foot.map((row) => withRule(bold(row))))
  return standIns
    .show(table.toString())
    .replace(/ +$/gm, '')
    .replace(/^[─ ]+$/gm, (rule) => paint('dim', rule, screen))
}
