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

/**
 * The hashes with which somebody who has the chosen leaves computes the root, from left to right.
 * @param leaves their hashes one after the other: millions of small buffers would take ten times the memory
 * @param chosen numbers of leaves from 0, ascending
 */
export function proveLeaves(leaves: Buffer, chosen: readonly number[]): string[] {
  const size = leaves.length / HASH_BYTES
  const proof: string[] = []
  const walk = (from: number, to: number, some: readonly number[]): void => {
    if (some.length === 0)
      proof.push(rootOf(leaves.subarray(from * HASH_BYTES, to * HASH_BYTES)).toString('hex'))
    else if (to - from > 1) {
      const middle = from + splitOf(to - from)
      walk(
        from,
        middle,
        some.filter((leaf) => leaf < middle),
      )
      walk(
        middle,
        to,
        some.filter((leaf) => leaf >= middle),
      )
    }
  }
  if (size > 0 && chosen.length < size) walk(0, size, chosen)
  return proof
}

/** The root of a tree from some of its leaves and their proof; undefined when they do not fit together. */
export function rootFromProof(
  size: number,
  chosen: readonly { readonly index: number; readonly hash: Buffer }[],
  proof: readonly string[],
): Buffer | undefined {
  if (size === 0) return chosen.length + proof.length === 0 ? rootOf(Buffer.alloc(0)) : undefined
  let used = 0
  const walk = (from: number, to: number, some: typeof chosen): Buffer | undefined => {
    if (some.length === 0) {
      const hash = proof[used++]
      return hash === undefined || !/^[\da-f]{64}$/.test(hash) ? undefined : Buffer.from(hash, 'hex')
    }
    if (to - from === 1) return some.length === 1 ? some[0]!.hash : undefined
    const middle = from + splitOf(to - from)
    const left = walk(
      from,
      middle,
      some.filter(({ index }) => index < middle),
    )
    const right =
      left &&
      walk(
        middle,
        to,
        some.filter(({ index }) => index >= middle),
      )
    return left && right && hashNode(left, right)
  }
  const inTree = chosen.every(({ index }) => Number.isSafeInteger(index) && index >= 0 && index < size)
  const root = inTree ? walk(0, size, chosen) : undefined
  return used === proof.length ? root : undefined
}

function rootOf(leaves: Buffer): Buffer {
  const root = new TreeRoot()
  for (let at = 0; at < leaves.length; at += HASH_BYTES) root.add(leaves.subarray(at, at + HASH_BYTES))
  return root.digest()
}

function hashNode(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update('\u0001').update(left).update(right).digest()
}

/** The leaves in the left half: the largest power of two below the number of leaves. */
function splitOf(leaves: number): number {
  return 2 ** Math.floor(Math.log2(leaves - 1))
}
