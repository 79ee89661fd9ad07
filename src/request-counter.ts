/** What the capture side hands to the buffer. */
import type { KeyIdentity, Operation } from './usage.ts'

/**
 * A key to be counted. Where it is the same object for the same key, a counter finds the key's cells by what it has
 * noted on it: looking its id up would touch four more places in memory.
 */
export interface CountedKey {
  readonly identity: KeyIdentity
  /** Note of the counter that counted it last, 0 at first. */
  number: number
}

/** A key that no counter has seen. */
export function toCountedKey(identity: KeyIdentity): CountedKey {
  return { number: 0, identity }
}

/** An operation to be counted, with a note like that of a key. */
export interface CountedOperation extends Operation {
  /** Note of the counter that counted it last, 0 at first. */
  number: number
}

/** An operation that no counter has seen. */
export function toCountedOperation(method: string, endpoint: string): CountedOperation {
  return { number: 0, method, endpoint }
}

/** Where the capture side puts one finished request. Never throws, makes no system call in the steady state. */
export interface RequestCounter {
  /**
   * `status` 100-599, `durationUs` whole microseconds, nothing when not measured; all strings already cleaned.
   * `finishedAt` is when it was over, by `performance.now()`: a moment ago at most. Left out, it is over now.
   */
  count(
    key: CountedKey,
    operation: CountedOperation,
    status: number,
    durationUs: number | undefined,
    finishedAt?: number,
  ): void
}
