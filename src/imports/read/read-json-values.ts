import { skipSpace, ValueScanner } from '../../json/scan-json.ts'
import { countLines } from './count-lines.ts'
import { refuseLine } from './refuse-line.ts'

/** One object of a JSON list, or of a file with one object per line. */
export interface JsonValue {
  /** The line on which it begins, from 1. */
  readonly line: number
  readonly value: Readonly<Record<string, unknown>>
}

/** Longer values are refused, so that a file of one large value is not read into memory. */
const LONGEST_VALUE = 2 ** 24
/** Characters that were read and are kept until they are dropped at once. */
const DROP_CHARACTERS = 2 ** 20
/** Values that are handed over at once. */
const MOST_VALUES = 500

/** Only a number of so many digits can be one that JSON.parse rounds. */
const LARGE_NUMBER = /\d{16}/

/**
 * The objects of a JSON list, or of NDJSON, as they are read. Whole numbers above 2^53 are bigints.
 * @throws WRONG_USAGE with the line
 */
export async function* readJsonValues(
  pieces: AsyncIterable<string>,
): AsyncGenerator<readonly JsonValue[], void, undefined> {
  const input = pieces[Symbol.asyncIterator]()
  let text = ''
  let at = 0
  let line = 1
  const readMore = async (): Promise<boolean> => {
    const { done, value } = await input.next()
    if (done) return false
    if (at > DROP_CHARACTERS || at === text.length) {
      text = text.slice(at)
      at = 0
    }
    text += value
    return true
  }
  const moveTo = (end: number): void => {
    line += countLines(text.slice(at, end))
    at = end
  }
  const skip = async (): Promise<string | undefined> => {
    do moveTo(skipSpace(text, at))
    while (at === text.length && (await readMore()))
    return text[at]
  }
  const isList = (await skip()) === '['
  if (isList) at += 1
  let values: JsonValue[] = []
  for (let isFirst = true; ; isFirst = false) {
    let next = await skip()
    if (isList && !isFirst && next === ',') {
      at += 1
      next = await skip()
    } else if (isList && next === ']') {
      at += 1
      if ((await skip()) !== undefined) throw refuseLine(line, 'there is more after the end of the list.')
      break
    } else if (!isList && next === undefined) break
    else if (isList && !isFirst) throw refuseLine(line, 'a comma or the end of the list was expected.')
    if (next !== '{') {
      throw refuseLine(
        line,
        next === undefined ? 'the file ends before its list does.' : 'an object was expected.',
      )
    }
    const scanner = new ScannerOfRest(at)
    let end: number | undefined
    while ((end = scanner.findEnd(text, at)) === undefined) {
      if (text.length - at > LONGEST_VALUE) {
        throw refuseLine(line, `an object is longer than ${LONGEST_VALUE} characters.`)
      }
      if (!(await readMore())) throw refuseLine(line, 'an object has no end: is the file complete?')
    }
    values.push({ line, value: parseObject(text.slice(at, end), line) })
    moveTo(end)
    if (values.length < MOST_VALUES) continue
    yield values
    values = []
  }
  if (values.length > 0) yield values
}

/** A scanner whose text loses its beginning. */
class ScannerOfRest {
  #scanner: ValueScanner
  #from: number

  constructor(from: number) {
    this.#from = from
    this.#scanner = new ValueScanner(from)
  }

  findEnd(text: string, from: number): number | undefined {
    if (from !== this.#from) {
      this.#from = from
      this.#scanner = new ValueScanner(from)
    }
    return this.#scanner.findEnd(text)
  }
}

function parseObject(text: string, line: number): JsonValue['value'] {
  try {
    return JSON.parse(text, LARGE_NUMBER.test(text) ? keepLarge : undefined) as JsonValue['value']
  } catch (error) {
    // the message of V8 quotes the text, which may hold a secret
    throw refuseLine(
      line,
      `it is not JSON (${error instanceof SyntaxError ? 'a syntax error' : String(error)}).`,
    )
  }
}

function keepLarge(this: unknown, _name: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  const isLarge = typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined
  return isLarge && /^-?\d{1,40}$/.test(source) ? BigInt(source) : value
}
