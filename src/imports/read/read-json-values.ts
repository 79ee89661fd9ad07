import { JsonReader } from '../../json/json-reader.ts'
import { refuseLine } from './refuse-line.ts'

/** One object of a JSON list, or of a file with one object per line. */
export interface JsonValue {
  /** The line on which it begins, from 1. */
  readonly line: number
  readonly value: Readonly<Record<string, unknown>>
}

/** Longer values are refused, so that a file of one large value is not read into memory. */
const LONGEST_VALUE = 2 ** 24
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
  const json = new JsonReader(pieces)
  const isList = await json.takeIf('[')
  let values: JsonValue[] = []
  for (let isFirst = true; ; isFirst = false) {
    if (isList ? await json.takeIf(']') : (await json.peek()) === undefined) break
    if (isList && !isFirst && !(await json.takeIf(',')))
      throw refuseLine(json.line, 'a comma or the end of the list was expected.')
    const next = await json.peek()
    if (next === undefined) throw refuseLine(json.line, 'the file ends before its list does.')
    if (next !== '{') throw refuseLine(json.line, 'an object was expected.')
    const { line } = json
    values.push({ line, value: parseObject(await takeText(json), line) })
    if (values.length < MOST_VALUES) continue
    yield values
    values = []
  }
  if (isList && (await json.peek()) !== undefined)
    throw refuseLine(json.line, 'there is more after the end of the list.')
  if (values.length > 0) yield values
}

async function takeText(json: JsonReader): Promise<string> {
  const { line } = json
  try {
    return await json.takeValueText(LONGEST_VALUE)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw refuseLine(line, `an object ${error.message}`)
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
