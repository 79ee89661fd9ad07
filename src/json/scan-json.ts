const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c]

/** Finds where a JSON value ends without parsing it. Whether it is valid is for `JSON.parse` to say. */
export class ValueScanner {
  #at: number
  #depth = 0
  #isInText = false

  /** @param from the position of its first character */
  constructor(from: number) {
    this.#at = from
  }

  /** The position after the value. Undefined when the text ends before it does: call it again with a longer text. */
  findEnd(text: string): number | undefined {
    for (; this.#at < text.length; this.#at += 1) {
      const code = text.charCodeAt(this.#at)
      if (this.#isInText) {
        if (code === BACKSLASH) this.#at += 1
        else if (code === QUOTE) {
          this.#isInText = false
          if (this.#depth === 0) return this.#at + 1
        }
      } else if (code === QUOTE) this.#isInText = true
      else if (isOpening(code)) this.#depth += 1
      else if (isClosing(code)) {
        // a number that is the last one in its list
        if (this.#depth === 0) return this.#at
        this.#depth -= 1
        if (this.#depth === 0) return this.#at + 1
      } else if (this.#depth === 0 && (code === COMMA || isSpace(code))) return this.#at
    }
    return undefined
  }
}

/** The position of the first character from one on that is no white space of JSON. */
export function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at += 1
  return at
}

/** The position of the value that a path leads to in a valid JSON text; that of the last step that is there. */
export function findPosition(text: string, path: readonly (string | number)[]): number {
  let position = skipSpace(text, 0)
  for (const step of path) {
    const found = findChild(text, position, step)
    if (found === undefined) return position
    position = found
  }
  return position
}

/** Where a field of the object, or an item of the list, at a position begins. A field begins with its name. */
function findChild(text: string, container: number, step: string | number): number | undefined {
  let at = skipSpace(text, container + 1)
  for (let index = 0; !isClosing(text.charCodeAt(at)); index += 1) {
    const first = at
    let end = new ValueScanner(first).findEnd(text)!
    if (step === index) return first
    const isField = text[container] === '{'
    if (isField) {
      const value = skipSpace(text, skipSpace(text, end) + 1)
      if (JSON.parse(text.slice(first, end)) === step) return value
      end = new ValueScanner(value).findEnd(text)!
    }
    at = skipSpace(text, end)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
  }
  return undefined
}

const isOpening = (code: number): boolean => code === 0x7b || code === 0x5b
const isClosing = (code: number): boolean => code === 0x7d || code === 0x5d
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
