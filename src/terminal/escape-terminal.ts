/**
 * Characters that could move the cursor, change colours or turn the direction of text: controls (C0, C1, DEL),
 * format characters (bidi marks, zero-width), line and paragraph separators, lone surrogates.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text that is safe for a terminal: unsafe characters are shown, as `\x1b` or `\u{202e}`. */
export function escapeTerminal(text: string): string {
  return text.replace(UNSAFE, showCharacter)
}

/** The same for text of several lines: keeps line ends. */
export function escapeTerminalLines(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === '\n' || character === '\r' ? character : showCharacter(character),
  )
}

/** JSON text with unsafe characters as `\u` escapes: the same value, safe to print. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => {
    if (character === '\n') return character
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
  })
}

function showCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
