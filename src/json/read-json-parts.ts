import { JsonReader } from './json-reader.ts'

/** A field of the object, or with `isItem` an item of its long list. */
export interface JsonPart {
  readonly name: string
  readonly value: unknown
  readonly isItem: boolean
}

/** Most characters of one field or item: an account with a million lines has fewer. */
const MOST_CHARACTERS = 2 ** 28

/**
 * Reads a JSON object field by field, and the list named `list` item by item, so that only one of them is in memory.
 * It reads exactly what `JSON.parse` reads, but for a field that is there twice, which it refuses.
 * @throws SyntaxError when it is no JSON object
 */
export async function* readJsonParts(
  pieces: AsyncIterable<string>,
  list: string,
): AsyncGenerator<JsonPart, void, undefined> {
  const json = new JsonReader(pieces)
  const names = new Set<string>()
  await take(json, '{')
  if (!(await json.takeIf('}'))) {
    do {
      const name = await takeValue(json)
      if (typeof name !== 'string' || names.has(name))
        throw new SyntaxError('A name is wrong or there twice.')
      names.add(name)
      await take(json, ':')
      if (name !== list || !(await json.takeIf('['))) {
        yield { name, value: await takeValue(json), isItem: false }
        continue
      }
      yield { name, value: [], isItem: false }
      if (await json.takeIf(']')) continue
      do yield { name, value: await takeValue(json), isItem: true }
      while (await json.takeIf(','))
      await take(json, ']')
    } while (await json.takeIf(','))
    await take(json, '}')
  }
  if ((await json.peek()) !== undefined) throw new SyntaxError('There is more after the object.')
}

async function takeValue(json: JsonReader): Promise<unknown> {
  return JSON.parse(await json.takeValueText(MOST_CHARACTERS))
}

async function take(json: JsonReader, character: string): Promise<void> {
  if (!(await json.takeIf(character))) throw new SyntaxError(`Expected ${character}.`)
}
