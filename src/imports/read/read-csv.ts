import { countLines } from '../../model/count-lines.ts'
import { refuseLine } from './refuse-line.ts'

/** One record of a CSV file. */
export interface CsvRecord {
  /** The line on which it begins, from 1. */
  readonly line: number
  /** Null is an empty cell, an empty text was `""`. */
  readonly cells: readonly (string | null)[]
}

/** Longer records are refused, so that a file without line ends is not read into memory. */
const LONGEST_RECORD = 1_000_000

const SEPARATORS = [',', ';', '\t'] as const

/**
 * The records of a CSV file (RFC 4180; LF is a line end too), as they are read. The separator is the one of comma,
 * semicolon and tab that the first line has most of. Empty lines are left out.
 * @throws WRONG_USAGE with the line
 */
export async function* readCsv(
  pieces: AsyncIterable<string>,
): AsyncGenerator<readonly CsvRecord[], void, undefined> {
  let text = ''
  let line = 1
  let separator: string | undefined
  for await (const piece of withEnd(pieces)) {
    text += piece ?? ''
    const isLast = piece === undefined
    if (separator === undefined) {
      if (!text.includes('\n') && !isLast && text.length <= LONGEST_RECORD) continue
      separator = chooseSeparator(text)
    }
    const records: CsvRecord[] = []
    let at = 0
    while (at < text.length) {
      const found = readRecord(text, at, separator, line, isLast)
      if (!found) break
      if (found.cells.length > 1 || found.cells[0] !== null) records.push({ line, cells: found.cells })
      at = found.end
      line += found.lines
    }
    text = text.slice(at)
    if (text.length > LONGEST_RECORD) {
      throw refuseLine(line, `it is longer than ${LONGEST_RECORD} characters. Is this file CSV?`)
    }
    if (records.length > 0) yield records
  }
}

/** The pieces, and undefined after the last one. */
async function* withEnd(pieces: AsyncIterable<string>): AsyncGenerator<string | undefined> {
  yield* pieces
  yield undefined
}

function chooseSeparator(text: string): string {
  const [first = ''] = text.split('\n', 1)
  const counts = SEPARATORS.map((separator) => first.split(separator).length)
  return SEPARATORS[counts.indexOf(Math.max(...counts))]!
}

/** The record that begins at a position; undefined when its end is not read yet. */
function readRecord(
  text: string,
  start: number,
  separator: string,
  line: number,
  isLast: boolean,
): { cells: (string | null)[]; end: number; lines: number } | undefined {
  const cells: (string | null)[] = []
  let at = start
  let lines = 0
  let feed = -1
  for (;;) {
    let cell: string | null
    if (text[at] === '"') {
      const end = findClosingQuote(text, at + 1)
      if (end < 0 && isLast) throw refuseLine(line, 'a quote is opened and never closed.')
      // the character after it may be a second quote
      if (end < 0 || (end + 1 === text.length && !isLast)) return undefined
      cell = text.slice(at + 1, end).replaceAll('""', '"')
      lines += countLines(cell)
      at = end + 1
    } else {
      if (feed < at) feed = indexOrEnd(text, '\n', at)
      const end = Math.min(indexOrEnd(text, separator, at), feed)
      if (end === text.length && !isLast) return undefined
      const isLineEnd = end === text.length || text[end] === '\n'
      const stop = isLineEnd && text[end - 1] === '\r' && end > at ? end - 1 : end
      cell = stop > at ? text.slice(at, stop) : null
      if (cell?.includes('"')) throw refuseLine(line, 'a cell has a quote and is not quoted itself.')
      at = stop
    }
    cells.push(cell)
    if (text[at] === separator) {
      at += 1
      continue
    }
    if (text[at] === '\r' && at + 1 === text.length && !isLast) return undefined
    if (text[at] === '\r') at += 1
    if (at < text.length && text[at] !== '\n') throw refuseLine(line, 'there is text after a closing quote.')
    return { cells, end: at + 1, lines: lines + 1 }
  }
}

function indexOrEnd(text: string, character: string, from: number): number {
  const index = text.indexOf(character, from)
  return index < 0 ? text.length : index
}

/** The quote that ends a cell; -1 when it is not there. */
function findClosingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2)
  return at
}
