import { countLines } from '../model/count-lines.ts'
import { skipSpace, ValueScanner } from './scan-json.ts'

/** Characters that were read and are kept until they are dropped at once. */
const DROP_CHARACTERS = 2 ** 20

/** Takes JSON apart from its start, while it is read. */
export class JsonReader {
  readonly #pieces: AsyncIterator<string>
  #text = ''
  #at = 0
  #line = 1

  constructor(pieces: AsyncIterable<string>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** The line of the next character, from 1. */
  get line(): number {
    return this.#line
  }

  /** The next character that is no white space; undefined at the end. */
  async peek(): Promise<string | undefined> {
    do this.#moveTo(skipSpace(this.#text, this.#at))
    while (this.#at === this.#text.length && (await this.#readMore()))
    return this.#text[this.#at]
  }

  /** Takes a character if it is the next one. */
  async takeIf(character: string): Promise<boolean> {
    if ((await this.peek()) !== character) return false
    this.#at += 1
    return true
  }

  /**
   * Takes the text of a value. Whether it is valid is for `JSON.parse` to say.
   * @throws SyntaxError when it has more than `most` characters, or no end
   */
  async takeValueText(most: number): Promise<string> {
    await this.peek()
    if (this.#at > DROP_CHARACTERS) this.#drop()
    const scanner = new ValueScanner(this.#at)
    let end: number | undefined
    while ((end = scanner.findEnd(this.#text)) === undefined) {
      if (this.#text.length - this.#at > most) throw new SyntaxError(`is longer than ${most} characters.`)
      if (!(await this.#readMore())) throw new SyntaxError('has no end: is the file complete?')
    }
    const value = this.#text.slice(this.#at, end)
    this.#moveTo(end)
    return value
  }

  #moveTo(end: number): void {
    this.#line += countLines(this.#text.slice(this.#at, end))
    this.#at = end
  }

  async #readMore(): Promise<boolean> {
    const { done, value } = await this.#pieces.next()
    if (done) return false
    // white space is dropped at once: a file can have megabytes of it
    if (this.#at === this.#text.length) this.#drop()
    this.#text += value
    return true
  }

  #drop(): void {
    this.#text = this.#text.slice(this.#at)
    this.#at = 0
  }
}
