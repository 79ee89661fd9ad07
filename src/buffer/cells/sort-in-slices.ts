import { createPause } from '../pause.ts'

/** Items sorted at a time; a run of this length takes well under a millisecond. */
const RUN = 64

/**
 * Sorts `items` by `compare` and gives the event loop back every few milliseconds.
 * @param sorted how many items at the beginning are in order already
 */
export async function sortInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  sorted = 0,
): Promise<T[]> {
  const rest = items.slice(sorted)
  const pause = createPause(1)
  let runs: T[][] = []
  for (let start = 0; start < rest.length; start += RUN) {
    runs.push(rest.slice(start, start + RUN).sort(compare))
    await pause()
  }
  while (runs.length > 1) {
    const merged: T[][] = []
    for (let index = 0; index < runs.length; index += 2) {
      merged.push(await mergeRuns(runs[index]!, runs[index + 1] ?? [], compare, pause))
    }
    runs = merged
  }
  return mergeRuns(items.slice(0, sorted), runs[0] ?? [], compare, pause)
}

async function mergeRuns<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
  pause: () => Promise<void> | undefined,
): Promise<T[]> {
  const merged: T[] = []
  let left = 0
  let right = 0
  while (left < a.length && right < b.length) {
    const end = left + right + RUN
    while (left + right < end && left < a.length && right < b.length) {
      merged.push(compare(a[left]!, b[right]!) <= 0 ? a[left++]! : b[right++]!)
    }
    const paused = pause()
    if (paused) await paused
  }
  return merged.concat(a.slice(left), b.slice(right))
}
