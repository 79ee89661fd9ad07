import { skipSpace, ValueScanner } from './scan-json.ts'

/** A field of the object, or with `isItem` an item of its long list. */
export interface JsonPart {
  readonly name: string
  readonly value: unknown
  readonly isItem: boolean
}

/** Most characters of one field or item: an account with a million lines has fewer. */
const MOST_CHARACTERS = 2 ** 28
/** Characters that were read and are kept until more of them are dropped at once. */
const DROP_CHARACTERS = 2 ** 20

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
  await json.take('{')
  if (!(await json.takeIf('}'))) {
    do {
      const name = await json.takeValue()
      if (typeof name !== 'string' || names.has(name))
        throw new SyntaxError('A name is wrong or there twice.')
      names.add(name)
      await json.take(':')
      if (name !== list || !(await json.takeIf('['))) {
        yield { name, value: await json.takeValue(), isItem: false }
        continue
      }
      yield { name, value: [], isItem: false }
      if (await json.takeIf(']')) continue
      do yield { name, value: await json.takeValue(), isItem: true }
      while (await json.takeIf(','))
      await json.take(']')
    } while (await json.takeIf(','))
    await json.take('}')
  }
  await json.takeEnd()
}

/** Takes JSON apart from its start. */
class JsonReader {
  readonly #pieces: AsyncIterator<string>
  #text = ''
  #at = 0

  constructor(pieces: AsyncIterable<string>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** Takes a value. */
  async takeValue(): Promise<unknown> {
    await this.#skipSpace()
    if (this.#at > DROP_CHARACTERS) {
      this.#text = this.#text.slice(this.#at)
      this.#at = 0
    }
    const scanner = new ValueScanner(this.#at)
    let end: number | undefined
    while ((end = scanner.findEnd(this.#text)) === undefined) {
      if (this.#text.length - this.#at > MOST_CHARACTERS || !(await this.#readMore()))
        throw new SyntaxError('A value has no end.')
    }
    const value: unknown = JSON.parse(this.#text.slice(this.#at, end))
    this.#at = end
    return value
  }

  /** Takes a character if it is the next one. */
  async takeIf(character: string): Promise<boolean> {
    await this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  async take(character: string): Promise<void> {
    if (!(await this.takeIf(character))) throw new SyntaxError(`Expected ${character}.`)
  }

  async takeEnd(): Promise<void> {
    await this.#skipSpace()
    if (this.#at < this.#text.length) throw new SyntaxError('There is more after the object.')
  }

  async #skipSpace(): Promise<void> {
    do this.#at = skipSpace(this.#text, this.#at)
    while (this.#at === this.#text.length && (await this.#readMore()))
  }

  async #readMore(): Promise<boolean> {
    const { done, value } = await this.#pieces.next()
    if (done) return false
    // what was read and is white space, in a file that has megabytes of it
    if (this.#at === this.#text.length) {
      this.#text = ''
      this.#at = 0
    }
    this.#text += value
    return true
  }
}
