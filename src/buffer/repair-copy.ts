import { isCount, type CounterHeader } from './counter-header.ts'

/**
 * Takes out of a file's copy in memory what no process writes, however it was killed, so that the rest can be
 * delivered. A batch with a damaged header is left as it is: nobody delivers it.
 * @param areas the counts of both areas: per slot requests, microseconds
 * @param used slots whose names could be read
 * @returns what was damaged, if anything was
 */
export function repairCopy(
  header: CounterHeader,
  areas: readonly [Float64Array, Float64Array],
  used: number,
): string | undefined {
  let problem: string | undefined
  for (const area of [0, 1] as const) {
    const head = header.areas[area]
    if (head.isEmpty) continue
    if (!head.isSound) {
      if (areas[area].some((count) => count !== 0)) problem = 'the header of a batch is damaged'
    } else if (clearDamagedCounts(areas[area], used))
      problem = 'some of its counts are damaged or have no name'
  }
  return problem
}

/** Whether the counts of an area can be what a process wrote that used so many slots. */
export function areSound(counts: Float64Array, used: number): boolean {
  return counts.every((count, index) => (index < used * 2 ? isCount(count) : count === 0))
}

/** @returns true when there were any */
function clearDamagedCounts(counts: Float64Array, used: number): boolean {
  if (areSound(counts, used)) return false
  for (let index = 0; index < counts.length; index += 1) {
    if (index >= used * 2 || !isCount(counts[index])) counts[index] = 0
  }
  return true
}
