/** The candidates that are most similar to `text`, nearest first; at most three. */
export function suggest(text: string, candidates: Iterable<string>): string[] {
  const wanted = text.toLowerCase()
  const near: { candidate: string; distance: number }[] = []
  for (const candidate of candidates) {
    const other = candidate.toLowerCase()
    const distance = wanted.length >= 3 && other.includes(wanted) ? 0 : editDistance(wanted, other)
    if (distance <= Math.max(2, Math.floor(wanted.length / 3))) near.push({ candidate, distance })
  }
  near.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
  return near.slice(0, 3).map(({ candidate }) => candidate)
}

/** The end of an error about an unknown name: ` Did you mean a, b or c?`, or an empty text. */
export function didYouMean(candidates: readonly string[]): string {
  if (candidates.length === 0) return ''
  const last = candidates.at(-1) ?? ''
  const others = candidates.slice(0, -1).join(', ')
  return ` Did you mean ${others ? `${others} or ${last}` : last}?`
}

/** Levenshtein distance: single characters inserted, deleted or replaced. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replace = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      current[column] = Math.min(replace, previous[column]! + 1, current[column - 1]! + 1)
    }
    previous = current
  }
  return previous[b.length]!
}
