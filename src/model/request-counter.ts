/** What the capture side hands to the buffer. */
import type { KeyIdentity } from './key.ts'
import type { Operation } from './operation.ts'

/**
 * What the counter that counted a key or an operation last has noted on it. Where the same object comes again for the
 * same thing, that saves looking it up by name, which would touch four more places in memory.
 */
interface CounterNote {
  /** Which counter, and since when it goes by these numbers; 0 at first. */
  epoch: number
  number: number
}

/** A key to be counted. */
export interface CountedKey extends CounterNote {
  readonly identity: KeyIdentity
}

/** A key that no counter has seen. */
export function toCountedKey(identity: KeyIdentity): CountedKey {
  return { epoch: 0, number: 0, identity }
}

/** An operation to be counted. */
export interface CountedOperation extends CounterNote, Operation {}

/** An operation that no counter has seen. */
export function toCountedOperation(method: string, endpoint: string): CountedOperation {
  return { epoch: 0, number: 0, method, endpoint }
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
