import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashLeaf, proveLeaves, rootFromProof, TreeRoot } from '../../src/billing/statement/hash-tree.ts'
import { searchRuns } from '../support/search-runs.ts'

/** The definition of RFC 6962, section 2.1, word by word. */
function treeHash(entries: readonly string[]): Buffer {
  const hash = (...parts: (string | Buffer)[]) =>
    parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest()
  if (entries.length === 0) return hash()
  if (entries.length === 1) return hash(Buffer.from([0]), entries[0]!)
  let k = 1
  while (k * 2 < entries.length) k *= 2
  return hash(Buffer.from([1]), treeHash(entries.slice(0, k)), treeHash(entries.slice(k)))
}

function rootOf(entries: readonly string[]): Buffer {
  const root = new TreeRoot()
  for (const entry of entries) root.add(hashLeaf(entry))
  return root.digest()
}

describe('the hash tree', () => {
  test('has the roots of the test vectors of certificate-transparency', () => {
    const inputs = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ]
    const entries = inputs.map((hex) => Buffer.from(hex, 'hex').toString('latin1'))
    expect(rootOf([]).toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    expect(rootOf(entries.slice(0, 1)).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    )
    expect(rootOf(entries.slice(0, 2)).toString('hex')).toBe(
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    )
    expect(rootOf(entries).toString('hex')).toBe(
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    )
  })

  test('is that of RFC 6962 for any number of lines', () => {
    for (let size = 0; size < 70; size++) {
      const entries = Array.from({ length: size }, (_, n) => `line ${n}`)
      expect(rootOf(entries)).toEqual(treeHash(entries))
    }
  })

  test('proves any lines, and no other ones', () => {
    const chosen = fc.array(fc.record({ text: fc.string(), isChosen: fc.boolean() }), { maxLength: 40 })
    fc.assert(
      fc.property(chosen, fc.nat(), (lines, which) => {
        const leaves = lines.map(({ text }) => hashLeaf(text))
        const indexes = lines.flatMap(({ isChosen }, index) => (isChosen ? [index] : []))
        const proof = proveLeaves(Buffer.concat(leaves), indexes)
        const packed = (some: readonly Buffer[]) => Buffer.concat(some)
        const known = indexes.map((index) => leaves[index]!)
        const root = rootOf(lines.map(({ text }) => text))
        expect(rootFromProof(lines.length, indexes, packed(known), proof)).toEqual(root)
        expect(
          rootFromProof(lines.length, indexes, packed(known), [...proof, 'f'.repeat(64)]),
        ).toBeUndefined()
        if (known.length === 0) return
        const at = which % known.length
        const other = hashLeaf('other')
        if (!known[at]!.equals(other))
          expect(rootFromProof(lines.length, indexes, packed(known.with(at, other)), proof)).not.toEqual(root)
        const [fewer, fewerHashes] = [indexes.toSpliced(at, 1), packed(known.toSpliced(at, 1))]
        expect(rootFromProof(lines.length, fewer, fewerHashes, proof)).not.toEqual(root)
        const twice = indexes.toSpliced(at, 0, indexes[at]!)
        expect(
          rootFromProof(lines.length, twice, packed(known.toSpliced(at, 0, known[at]!)), proof),
        ).toBeUndefined()
        expect(
          rootFromProof(lines.length, indexes.with(at, lines.length), packed(known), proof),
        ).toBeUndefined()
      }),
      { numRuns: searchRuns(500) },
    )
  })
})
