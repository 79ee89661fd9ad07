import stringWidth from 'string-width'

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** What a reader sees as the characters of a text. */
export function splitCharacters(text: string): string[] {
  return Array.from(GRAPHEMES.segment(text), ({ segment }) => segment)
}

/** Columns that a text takes in a terminal: 2 for wide characters. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** Text cut to at most `width` columns, with … where something is missing. */
export function cutText(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let cut = ''
  let used = 1
  for (const character of splitCharacters(text)) {
    used += widthOf(character)
    if (used > width) break
    cut += character
  }
  return width > 0 ? `${cut}…` : ''
}
