/** A list in parts of at most so many items: a statement has a limit of parameters, and a transaction one of time. */
export function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size)
}
