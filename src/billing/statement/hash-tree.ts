/**
 * The hash tree of RFC 6962, section 2.1, over the lines of a statement. With it a file that has only the lines of one
 * customer still proves that exactly these lines are in the statement.
 */

import { createHash } from 'node:crypto'

const HASH_BYTES = 32

/** The hash of a leaf. */
export function hashLeaf(content: string): Buffer {
  return createHash('sha256').update('\0').update(content).digest()
}

/** Computes the root of leaves that come one after the other; memory grows with the logarithm of their number. */
export class TreeRoot {
  /** Roots of full subtrees, the largest first. */
  readonly #full: { readonly leaves: number; readonly hash: Buffer }[] = []

  add(leaf: Buffer): void {
    let [leaves, hash] = [1, leaf]
    while (this.#full.at(-1)?.leaves === leaves) {
      hash = hashNode(this.#full.pop()!.hash, hash)
      leaves *= 2
    }
    this.#full.push({ leaves, hash })
  }

  /** The root of all leaves so far. */
  digest(): Buffer {
    const hashes = this.#full.map(({ hash }) => hash)
    if (hashes.length === 0) return createHash('sha256').digest()
    return hashes.reduceRight((right, left) => hashNode(left, right))
  }
}

/** Hashes of leaves one after the other: millions of small buffers would take ten times the memory. */
export class PackedHashes {
  #bytes = Buffer.alloc(1 << 16)
  #used = 0

  /** @param hash hexadecimal */
  add(hash: string): void {
    if (this.#used === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#used * 2)
    this.#used += HASH_BYTES
    this.#bytes.write(hash, this.#used - HASH_BYTES, HASH_BYTES, 'hex')
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used)
  }
}

/**
 * The hashes with which somebody who has the chosen leaves computes the root, from left to right.
 * @param hashes of all leaves
 * @param chosen numbers of leaves from 0, ascending
 */
export function proveLeaves(hashes: Buffer, chosen: readonly number[]): string[] {
  const size = hashes.length / HASH_BYTES
  const proof: string[] = []
  const walk = (from: number, to: number, first: number, last: number): void => {
    if (first === last) proof.push(rootOf(hashes, from, to).toString('hex'))
    else if (last - first < to - from) {
      const middle = from + splitOf(to - from)
      const border = findBorder(chosen, middle, first, last)
      walk(from, middle, first, border)
      walk(middle, to, border, last)
    }
  }
  if (size > 0) walk(0, size, 0, chosen.length)
  return proof
}

/**
 * The root of a tree from some of its leaves and their proof; undefined when they do not fit together.
 * @param size of the whole tree, below 2^31
 * @param chosen numbers of the leaves from 0, ascending
 * @param hashes of the chosen leaves
 */
export function rootFromProof(
  size: number,
  chosen: readonly number[],
  hashes: Buffer,
  proof: readonly string[],
): Buffer | undefined {
  const isInTree = chosen.every((leaf, n) => leaf > (chosen[n - 1] ?? -1) && leaf < size)
  if (!isInTree) return undefined
  let used = 0
  const walk = (from: number, to: number, first: number, last: number): Buffer | undefined => {
    if (last - first === to - from) return rootOf(hashes, first, last)
    if (first === last) {
      const hash = proof[used++]
      return hash === undefined || !/^[\da-f]{64}$/.test(hash) ? undefined : Buffer.from(hash, 'hex')
    }
    const middle = from + splitOf(to - from)
    const border = findBorder(chosen, middle, first, last)
    const left = walk(from, middle, first, border)
    const right = left && walk(middle, to, border, last)
    return left && right && hashNode(left, right)
  }
  const root = walk(0, size, 0, chosen.length)
  return used === proof.length ? root : undefined
}

/** The first of some numbers, ascending, that is not below the middle; `first` to `last` are their positions. */
function findBorder(chosen: readonly number[], middle: number, first: number, last: number): number {
  let [low, high] = [first, last]
  while (low < high) {
    const half = (low + high) >>> 1
    if (chosen[half]! < middle) low = half + 1
    else high = half
  }
  return low
}

function rootOf(hashes: Buffer, from: number, to: number): Buffer {
  const root = new TreeRoot()
  for (let n = from; n < to; n += 1) root.add(hashes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES))
  return root.digest()
}

function hashNode(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update('\u0001').update(left).update(right).digest()
}

/** The leaves in the left half: the largest power of two below the number of leaves. */
function splitOf(leaves: number): number {
  return 2 ** Math.floor(Math.log2(leaves - 1))
}
