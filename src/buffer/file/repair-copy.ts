import type { CountArea } from './count-area.ts'
import type { CounterHeader } from './counter-header.ts'

/**
 * Removes damage from the copy of a file in memory, so that the rest can be delivered. Damage is what no process
 * writes, even when it is killed. A batch with a damaged header is left as it is, because it is never delivered.
 * @param used slots whose names could be read
 * @returns what was damaged, if anything was
 */
export function repairCopy(
  header: CounterHeader,
  areas: readonly [CountArea, CountArea],
  used: number,
): string | undefined {
  let problem: string | undefined
  for (const area of [0, 1] as const) {
    const head = header.areas[area]
    if (head.isEmpty) continue
    if (!head.isSound) {
      if (!areas[area].isSound(0)) problem = 'the header of a batch is damaged'
    } else if (areas[area].clearDamage(used)) problem = 'some of its counts are damaged or have no name'
  }
  return problem
}
