import type { Quote } from './bash-line.ts'

/** Means nothing to bash, in any place of a word. */
const PLAIN = /[\p{L}\p{N}_%+,./:=@-]/u
/** Controls the terminal or turns the direction of text: written as bytes, so it is not printed when bash lists it. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

/**
 * Writes text for the place of the cursor, so that bash reads exactly this text and runs nothing in it. Each character
 * is written by itself: what two texts have in common looks the same.
 */
export function quoteForBash(text: string, quote: Quote): string {
  const pieces = Array.from(text, (character) => quoteCharacter(character, quote))
  // bash closes a quote by itself, but not when the last character looks like its end
  const looksClosed = quote !== '' && quote !== "$'" && pieces.at(-1)?.endsWith(quote)
  return pieces.join('') + (looksClosed ? quote : '')
}

function quoteCharacter(character: string, quote: Quote): string {
  if (quote === "$'")
    return UNSAFE.test(character) || /['\\]/.test(character) ? toBytes(character) : character
  if (UNSAFE.test(character)) return outside(`$'${toBytes(character)}'`, quote)
  if (quote === "'") return character === "'" ? outside("\\'", quote) : character
  if (quote === '"') {
    // history expansion keeps a backslash before ! in double quotes
    if (character === '!') return outside("'!'", quote)
    return /[$`"\\]/.test(character) ? `\\${character}` : character
  }
  return PLAIN.test(character) ? character : `\\${character}`
}

/** Closes the quote, and opens it again. */
function outside(text: string, quote: Quote): string {
  return `${quote}${text}${quote}`
}

function toBytes(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
