import stringWidth from 'string-width'

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Columns that a text takes in a terminal: 2 for wide characters. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** Text cut to at most `width` columns, with … where something is missing. */
export function cutText(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let cut = ''
  let used = 1
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment)
    if (used > width) break
    cut += segment
  }
  return width > 0 ? `${cut}…` : ''
}

/** Text padded with spaces to exactly `width` columns. */
export function padText(text: string, width: number, align: 'left' | 'right'): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + spaces : spaces + text
}
