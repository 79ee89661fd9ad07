/** `SEARCH_FACTOR=20` lets every property test look for a counterexample twenty times as long. */
export const SEARCH_FACTOR = Number(process.env['SEARCH_FACTOR'] ?? 1)

/** How many examples a property test tries, where so many are usual. */
export function searchRuns(usual: number): number {
  return usual * SEARCH_FACTOR
}
