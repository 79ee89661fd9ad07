import { setImmediate } from 'node:timers/promises'

/** Longest time that work between two pauses holds the event loop. */
const SLICE_MS = 2
/**
 * Makes a function that long loops await: every few milliseconds it yields to the event loop.
 * @param every calls between two reads of the clock; 1 where one pass of the loop is long itself
 */
export function createPause(every = 64): () => Promise<void> | undefined {
  let sliceEnd = performance.now() + SLICE_MS
  let calls = 0
  return () => {
    calls += 1
    if (calls % every !== 0 || performance.now() < sliceEnd) return undefined
    return setImmediate().then(() => {
      sliceEnd = performance.now() + SLICE_MS
      return undefined
    })
  }
}
