/** How the cursor is quoted: not at all, in '…', in "…", or in $'…'. */
export type Quote = '' | "'" | '"' | "$'"

/** The words of a line up to the cursor. */
export interface BashLine {
  /** The complete words: without quotes and backslashes. Nothing is expanded. */
  readonly words: readonly string[]
  /** The word at the cursor, in the same way. */
  readonly current: string
  /** The end of that word, as typed, which bash replaces by a completion. */
  readonly replaced: string
  readonly quote: Quote
}

/** One piece of a line; a quote may be open at the end, and a last backslash escapes what is not typed yet. */
const PIECE =
  /(?<space>\s+)|'(?<single>[^']*)(?<endSingle>'|$)|\$'(?<ansi>(?:\\.|[^'\\])*)(?<endAnsi>'|\\?$)|"(?<double>(?:\\.|[^"\\])*)(?<endDouble>"|\\?$)|\\(?<escaped>.)?|(?<plain>.)/gsu

/**
 * Reads a line as bash does, but expands and runs nothing. `breaks` is COMP_WORDBREAKS: bash replaces what follows an
 * open quote, else what follows the last of these characters.
 */
export function readBashLine(line: string, breaks: string): BashLine {
  const words: string[] = []
  let [current, isWord, from]: [string, boolean, number] = ['', false, 0]
  let quote: Quote = ''
  for (const { 0: piece, index, groups = {} } of line.matchAll(PIECE)) {
    const { space, single, ansi, double, escaped, plain } = groups
    const end = index + piece.length
    if (space !== undefined) {
      if (isWord) words.push(current)
      ;[current, isWord, from] = ['', false, end]
      continue
    }
    isWord = true
    current += single ?? readAnsi(ansi) ?? double?.replace(/\\([$`"\\])/g, '$1') ?? escaped ?? plain ?? ''
    if (plain !== undefined && breaks.includes(plain)) from = end
    if (single !== undefined && groups['endSingle'] === '') quote = "'"
    if (ansi !== undefined && groups['endAnsi'] !== "'") quote = "$'"
    if (double !== undefined && groups['endDouble'] !== '"') quote = '"'
    if (quote !== '') from = index + quote.length
  }
  const isEscaping = quote !== "'" && /(?<!\\)(\\\\)*\\$/.test(line)
  return { words, current, quote, replaced: line.slice(from, isEscaping ? -1 : undefined) }
}

/** Escapes of $'…' for one character. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', e: '\x1b', a: '\x07', b: '\b' }

function readAnsi(text: string | undefined): string | undefined {
  return text?.replace(/(?:\\x[\da-f]{1,2})+|\\(.)/gis, (bytes, escaped?: string) =>
    escaped === undefined
      ? Buffer.from(
          bytes
            .slice(2)
            .split('\\x')
            .map((byte) => Number.parseInt(byte, 16)),
        ).toString()
      : (ESCAPES[escaped] ?? escaped),
  )
}
