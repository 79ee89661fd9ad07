const PIECE =
  /'(?<single>(?:\\.|[^'\\])*)(?:'|\\?$)|"(?<double>(?:\\.|[^"\\])*)(?:"|\\?$)|\\(?<escaped>.)?|(?<plain>[^'"\\]+)/gs
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', e: '\x1b' }

/** The text of the word at the cursor of fish, as typed so far; nothing is expanded. */
export function readFishToken(token: string): string {
  const pieces = [...token.matchAll(PIECE)].map(({ groups = {} }) => {
    const { single, double, escaped, plain } = groups
    if (single !== undefined) return single.replace(/\\(['\\])/g, '$1')
    if (double !== undefined) return double.replace(/\\(["$\\])/g, '$1')
    return escaped === undefined ? (plain ?? '') : (ESCAPES[escaped] ?? escaped)
  })
  return pieces.join('')
}
