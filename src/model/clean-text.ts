/** Control characters (NUL among them) and lone surrogates: no database stores all of them. */
const UNSTORABLE = /[\p{Cc}\p{Cs}]/gu

/** Removes what cannot be stored or shown: control characters, NUL and lone surrogates. */
export function cleanText(text: string): string {
  return text.replace(UNSTORABLE, '')
}

/** Cleans a text and cuts it to `maxLength` UTF-16 units, never through the middle of a character. */
export function cleanName(text: string, maxLength = 200): string {
  const clean = cleanText(text).trim()
  return clean.length > maxLength ? cleanText(clean.slice(0, maxLength)) : clean
}

/** A copy to keep: V8 stores a part of a text as a slice that keeps the whole text. UTF-16 changes no character. */
export function copyText(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
