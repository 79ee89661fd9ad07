import { splitCharacters, widthOf } from './fit-text.ts'

const [FIRST, FILL] = [0xe000, 0xf8ff]
const PRIVATE = /[\ue000-\uf8ff]/
const STAND_IN = /([\ue000-\uf8fe])(\uf8ff*)/g

/**
 * Replaces characters that cli-table3 0.6.5 cannot lay out by private ones of the same width, and puts them back into
 * the drawn table. It measures with string-width 4, for which every mark of Thai, Hindi, Arabic or Hebrew takes a column
 * of its own, and it cuts texts between the halves of an emoji.
 */
export class StandIns {
  readonly #characters: string[] = []
  readonly #numbers = new Map<string, number>()

  /** A text of the same width, in which each UTF-16 unit is a whole character. */
  hide(text: string): string {
    return splitCharacters(text)
      .map((character) =>
        character.length === 1 && !PRIVATE.test(character) ? character : this.#standInOf(character),
      )
      .join('')
  }

  /** The drawn text with the characters back. Of a wide one that was cut in half, spaces are left. */
  show(drawn: string): string {
    return drawn.replace(STAND_IN, (standIn, first: string) => {
      const character = this.#characters[first.charCodeAt(0) - FIRST]!
      return standIn.length < widthOf(character) ? ' '.repeat(standIn.length) : character
    })
  }

  #standInOf(character: string): string {
    let number = this.#numbers.get(character)
    if (number === undefined) {
      number = this.#characters.length
      // more different ones than there are private characters: drawn as they are, maybe a column off
      if (FIRST + number >= FILL) return character
      this.#characters.push(character)
      this.#numbers.set(character, number)
    }
    const fill = String.fromCharCode(FILL)
    return String.fromCharCode(FIRST + number) + fill.repeat(Math.max(0, widthOf(character) - 1))
  }
}
