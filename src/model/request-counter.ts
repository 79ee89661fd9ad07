import type { KeyIdentity } from './key.ts'
import type { Operation } from './operation.ts'

/**
 * Belongs to the counter, which notes here the number that it gave to a key or an operation. The capture side keeps the
 * handle with the key or operation, so the counter finds the number without a look-up by name.
 */
export class CounterHandle {
  #epoch = 0
  #number = 0

  /** The number that was given in this epoch, see `CellIndex`; 0 when none was. */
  numberIn(epoch: number): number {
    return this.#epoch === epoch ? this.#number : 0
  }

  assign(epoch: number, number: number): void {
    this.#epoch = epoch
    this.#number = number
  }
}

/** A key whose requests are counted. Capture gives the same object for the same key as long as it remembers it. */
export interface CountedKey {
  readonly identity: KeyIdentity
  readonly handle: CounterHandle
  /** Capture knows that the key is real, and need not ask `KnownKeys` again. */
  isKnown: boolean
}

/** A key that no counter has seen. */
export function toCountedKey(identity: KeyIdentity, isKnown = false): CountedKey {
  return { handle: new CounterHandle(), isKnown, identity }
}

/** An operation to be counted. */
export interface CountedOperation extends Operation {
  readonly handle: CounterHandle
}

/** An operation that no counter has seen. */
export function toCountedOperation(method: string, endpoint: string): CountedOperation {
  return { handle: new CounterHandle(), method, endpoint }
}

/** The quantities of one request, by the place of their unit in the option `units`; `UNSET` where it has none. */
export type RequestQuantities = Float64Array

/** In place of a quantity. */
export const UNSET = -1

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
    quantities?: RequestQuantities,
  ): void
  /**
   * Adds to a quantity of a request that was counted before, in the bucket that is open now.
   * @param unit its place in the option `units`
   * @param isFirst the request had no quantity of this unit before
   */
  addQuantity(
    key: CountedKey,
    operation: CountedOperation,
    status: number,
    unit: number,
    quantity: number,
    isFirst: boolean,
  ): void
}

/** Is called with every count, after it was counted. `batch` is the number of the batch that it is in. Must not throw. */
export interface CountWatcher {
  /** `bucket`: start of the bucket, epoch milliseconds. */
  onCount(key: CountedKey, quantities: RequestQuantities | undefined, batch: number, bucket: number): void
  onAdded(key: CountedKey, unit: number, quantity: number, batch: number, bucket: number): void
}
