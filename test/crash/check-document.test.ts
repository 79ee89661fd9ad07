import { createHash, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, sha256 } from '../../src/json/canonical-json.ts'
import { checkDocument } from '../../src/billing/check/check-document.ts'
import { proveLeaves } from '../../src/billing/statement/hash-tree.ts'
import { hashLine, hashNames } from '../../src/billing/statement/seal-statement.ts'
import { readPublicKey, signContent } from '../../src/billing/statement/sign-statement.ts'
import type { AccountWithLines, StatementDocument } from '../../src/model/statement.ts'
import { searchRuns } from '../support/search-runs.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
/** A document that may be changed. */
interface Draft {
  statement: Record<string, Json>
  totals: Record<string, Json> | null
  hash: string
  signature: StatementDocument['signature']
  accounts: { label: string | null; lines: { line: number; quantity: string; hash: string }[] }[]
  proof: string[]
}

const TEXT = readFileSync(new URL('../support/usage/statement/statement.json', import.meta.url), 'utf8')
const whole = (): StatementDocument => JSON.parse(TEXT) as StatementDocument
const publicKey = readPublicKey(whole().signature!.publicKey)

/** The file for the first customer. */
function partOf(document: StatementDocument): StatementDocument {
  const leaves = document.accounts.flatMap(({ lines }) => lines.map(({ hash }) => Buffer.from(hash, 'hex')))
  const accounts = document.accounts.slice(0, 1)
  const chosen = accounts.flatMap(({ lines }) => lines.map(({ line }) => line - 1))
  return { ...document, totals: null, accounts, proof: proveLeaves(Buffer.concat(leaves), chosen) }
}

const DOCUMENTS = [
  ['a whole statement', whole()],
  ['the part of a customer', partOf(whole())],
] as const

const edit = (document: StatementDocument, change: (draft: Draft) => void): StatementDocument => {
  const draft = structuredClone(document) as unknown as Draft
  change(draft)
  return draft as unknown as StatementDocument
}

describe.each(DOCUMENTS)('%s', (_name, document) => {
  test('is found intact, also after another program has written it', () => {
    expect(checkDocument(document, publicKey)).toMatchObject({ intact: true, findings: [] })
    expect(checkDocument(JSON.parse(JSON.stringify(document, undefined, 7)))).toMatchObject({ intact: true })
    expect(checkDocument(JSON.parse(canonicalJson(document)))).toMatchObject({ intact: true })
  })

  test('is found changed after any of 3000 edits of its text, and intact where the text means the same', () => {
    const text = JSON.stringify(document)
    const meaning = canonicalJson(document)
    const edits = fc.record({
      at: fc.nat(text.length - 1),
      length: fc.integer({ min: 0, max: 3 }),
      by: fc.oneof(
        fc.constantFrom('', '0', '1', '9', 'a', 'f', '"', ',', '{', 'null', '-', ' '),
        fc.string({ maxLength: 2 }),
      ),
    })
    let changed = 0
    fc.assert(
      fc.property(edits, ({ at, length, by }) => {
        const edited = text.slice(0, at) + by + text.slice(at + length)
        const value = parse(edited)
        // a text that is no JSON is refused before
        if (value === undefined) return
        const same = value !== null && typeof value === 'object' && canonical(value) === meaning
        if (!same) changed += 1
        expect({ edited, intact: checkDocument(value, publicKey).intact }).toEqual({ edited, intact: same })
      }),
      { numRuns: searchRuns(3000) },
    )
    expect(changed).toBeGreaterThan(1000)
  })

  test('is found changed after any edit of a value, a removed or an added field', () => {
    const places = findPlaces(document as unknown as Json)
    const values = fc.jsonValue({ maxDepth: 1 }) as fc.Arbitrary<Json>
    fc.assert(
      fc.property(fc.nat(places.length - 1), values, fc.boolean(), (which, value, isRemoved) => {
        const edited = structuredClone(document) as unknown as Json
        const place = places[which]!
        const parent = place
          .slice(0, -1)
          .reduce<Json>((json, step) => (json as Record<string, Json>)[step]!, edited)
        const last = place.at(-1)!
        if (!isRemoved) (parent as Record<string, Json>)[last] = value
        else if (Array.isArray(parent)) parent.splice(Number(last), 1)
        else delete (parent as Record<string, Json>)[last]
        const same = canonical(edited as object) === canonicalJson(document)
        expect({ place, value, intact: checkDocument(edited, publicKey).intact }).toEqual({
          place,
          value,
          intact: same,
        })
      }),
      { numRuns: searchRuns(3000) },
    )
  })

  test('with a changed quantity: the line is named', () => {
    const changed = edit(document, ({ accounts }) => (accounts[0]!.lines[1]!.quantity = '9007199254740994'))
    expect(checkDocument(changed).findings).toEqual([
      'Line 2 (key 57ea5e66-288f-4e33-6047-6c9f3fc50051, GET /users/:id, tokens): it was changed.',
    ])
  })

  test('with a changed quantity and a new hash of its line', () => {
    const changed = edit(document, ({ accounts }) => {
      const line = accounts[0]!.lines[1]!
      line.quantity = '1'
      line.hash = hashLine(accounts[0] as unknown as AccountWithLines, line as never)
    })
    expect(checkDocument(changed).findings).toEqual([expect.stringContaining('they do not fit the header')])
  })

  test('with a removed, a repeated or exchanged line', () => {
    const changes: ((draft: Draft) => void)[] = [
      ({ accounts }) => accounts[0]!.lines.pop(),
      ({ accounts }) => accounts[0]!.lines.push(accounts[0]!.lines[0]!),
      ({ accounts }) => accounts[0]!.lines.reverse(),
      ({ accounts }) => accounts.pop(),
    ]
    for (const change of changes)
      expect(checkDocument(edit(document, change))).toMatchObject({ intact: false })
  })

  test('with other names', () => {
    const renamed = edit(document, ({ accounts }) => (accounts[0]!.label = 'another'))
    expect(checkDocument(renamed).findings).toEqual([expect.stringContaining('its names were changed')])
    const sealedAgain = edit(document, ({ accounts }) => {
      accounts[0]!.label = 'another'
      Object.assign(accounts[0]!, { hash: hashNames(accounts[0] as unknown as AccountWithLines) })
    })
    expect(checkDocument(sealedAgain)).toMatchObject({ intact: false })
  })

  test('with a changed header, also when everything is hashed again: only the signature shows that', () => {
    const changed = edit(document, ({ statement }) => (statement['closedAt'] = '2026-11-02T05:00:00.000Z'))
    expect(checkDocument(changed).findings).toEqual([expect.stringContaining('The header was changed')])
    const hashedAgain = { ...changed, hash: sha256(canonicalJson(changed.statement)) }
    expect(checkDocument(hashedAgain).findings).toEqual([expect.stringContaining('signature does not fit')])
    const unsigned = { ...hashedAgain, signature: null }
    expect(checkDocument(unsigned, publicKey).findings).toEqual(['The statement is not signed.'])
    const { privateKey } = generateKeyPairSync('ed25519')
    const forged = { ...hashedAgain, signature: signContent(canonicalJson(changed.statement), privateKey) }
    expect(checkDocument(forged, publicKey).findings).toEqual([
      expect.stringContaining('signed with another key'),
    ])
  })
})

test('a line is hashed as canonical JSON', () => {
  for (const { lines, ...account } of whole().accounts) {
    for (const { hash, ...line } of lines) {
      const content = { account: account.account, keyId: account.keyId, names: account.hash, ...line }
      const leaf = createHash('sha256').update('\0').update(canonicalJson(content)).digest('hex')
      expect(leaf).toBe(hash)
    }
  }
})

test('says that names are blank, and that a part is a part', () => {
  expect(checkDocument(whole()).notes).toContainEqual(
    expect.stringContaining('names of 1 accounts were blanked'),
  )
  expect(checkDocument(partOf(whole())).notes).toContainEqual(expect.stringContaining('some of the 5 lines'))
})

test.each([[null], [7], ['text'], [[]], [{}], [{ statement: { format: 2 } }]])(
  '%j is no statement',
  (value) => {
    expect(checkDocument(value)).toMatchObject({ intact: false, findings: [expect.any(String)] })
  },
)

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Undefined for what canonical JSON cannot hold. */
function canonical(value: object): string | undefined {
  try {
    return canonicalJson(value)
  } catch {
    return undefined
  }
}

/** The paths of all values in a document. */
function findPlaces(value: Json, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const place = path.concat(name)
    return [place].concat(findPlaces(inner, place))
  })
}
