import { AREA, AREA_STATE, AREA_WORD, areaOffset, HEADER_BYTES, type FileIdentity } from './counter-layout.ts'

const isCount = (value: number | undefined): boolean => Number.isSafeInteger(value) && value! >= 0

/**
 * Takes out of a file's copy in memory what no process writes, however it was killed, so that the rest can be
 * delivered.
 * @param used slots whose names could be read
 * @returns what was damaged, if anything was
 */
export function repairCopy(buffer: ArrayBuffer, identity: FileIdentity, used: number): string | undefined {
  let problem: string | undefined
  const words = new Float64Array(buffer, 0, HEADER_BYTES / 8)
  for (const area of [0, 1] as const) {
    const head = AREA_WORD[area]
    if (words[head + AREA.state] === AREA_STATE.empty) continue
    const counts = new Float64Array(buffer, areaOffset(identity, area), identity.slots * 2)
    const numbers = [AREA.sequence, AREA.bucket, AREA.countedBefore].map((word) => words[head + word])
    if (words[head + AREA.state] !== AREA_STATE.counting || !numbers.every(isCount)) {
      words[head + AREA.state] = AREA_STATE.empty
      if (counts.some((count) => count !== 0)) problem = 'the header of a batch is damaged'
    } else if (clearDamagedCounts(counts, used * 2))
      problem = 'some of its counts are damaged or have no name'
  }
  return problem
}

/** @returns true when there were any */
function clearDamagedCounts(counts: Float64Array, used: number): boolean {
  let damaged = false
  for (let index = 0; index < counts.length; index += 1) {
    if (index < used ? isCount(counts[index]) : counts[index] === 0) continue
    counts[index] = 0
    damaged = true
  }
  return damaged
}
