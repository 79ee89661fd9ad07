import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkDocument } from '../../src/billing/check/check-document.ts'
import { checkFile } from '../../src/billing/check/check-file.ts'
import { FindingList } from '../../src/billing/check/finding-list.ts'
import { readJsonParts } from '../../src/json/read-json-parts.ts'
import { canonicalJson, sha256 } from '../../src/json/canonical-json.ts'
import type { AccountWithLines, StatementDocument } from '../../src/model/statement.ts'
import { searchRuns } from '../support/search-runs.ts'

const TEXT = readFileSync(new URL('../support/usage/statement/statement.json', import.meta.url), 'utf8')
const whole = (): StatementDocument => JSON.parse(TEXT) as StatementDocument

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'apikey-analytics-file-'))))
afterAll(() => rmSync(folder, { recursive: true }))

async function check(text: string | Uint8Array) {
  const path = join(folder, 'file.json')
  writeFileSync(path, text)
  return checkFile(path)
}

/** What is read of a text that comes in pieces of these lengths; undefined when it is refused. */
async function read(text: string, lengths: readonly number[]): Promise<unknown> {
  async function* pieces() {
    let at = 0
    for (let n = 0; at < text.length; n += 1) {
      const end = at + (lengths[n % lengths.length] ?? 1)
      yield text.slice(at, end)
      at = end
    }
  }
  const fields: [string, unknown][] = []
  const items: unknown[] = []
  try {
    for await (const { name, value, isItem } of readJsonParts(pieces(), 'list')) {
      if (isItem) items.push(value)
      else fields.push([name, value])
    }
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError)
    return undefined
  }
  const object = Object.fromEntries(fields)
  if (items.length > 0) Object.assign(object, { list: items })
  return object
}

const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })
const json = fc.jsonValue({ maxDepth: 3 })
const object = fc.record(
  { list: fc.oneof(fc.array(json, { maxLength: 4 }), json), other: json, __proto__: json, 'a"\\{': json },
  { requiredKeys: [], noNullPrototype: false },
)

test('reads what JSON.parse reads, whatever the pieces and the white space', async () => {
  await fc.assert(
    fc.asyncProperty(object, lengths, fc.constantFrom(0, 1, 7), async (value, some, indent) => {
      const text = ` ${JSON.stringify(value, undefined, indent)}\n`
      const expected: unknown = JSON.parse(text)
      // an empty list has no items
      expect(await read(text, some)).toEqual(expected)
    }),
    { numRuns: searchRuns(2000) },
  )
})

test('refuses what JSON.parse refuses, after any edit of a text', async () => {
  const edits = fc.record({
    at: fc.nat(),
    length: fc.nat(2),
    by: fc.constantFrom('', ',', '"', '{', '}', '[', ']', ':', '1', ' ', '\\'),
  })
  let refused = 0
  await fc.assert(
    fc.asyncProperty(object, edits, lengths, async (value, { at, length, by }, some) => {
      const text = JSON.stringify(value)
      const place = at % (text.length + 1)
      const edited = text.slice(0, place) + by + text.slice(place + length)
      let expected: unknown
      try {
        expected = JSON.parse(edited)
      } catch {
        refused += 1
      }
      const isObject = typeof expected === 'object' && expected !== null && !Array.isArray(expected)
      const found = await read(edited, some)
      if (!isObject) expect({ edited, found }).toEqual({ edited, found: undefined })
      // a name that is there twice is refused: JSON.parse would take the last of them
      else if (found !== undefined) expect({ edited, found }).toEqual({ edited, found: expected })
    }),
    { numRuns: searchRuns(3000) },
  )
  expect(refused).toBeGreaterThan(500)
})

test('a file is checked as a document in memory is, in any order of its fields and with any white space', async () => {
  const { accounts, proof, ...rest } = whole()
  for (const text of [
    TEXT,
    JSON.stringify(whole()),
    canonicalJson(whole()),
    `\uFEFF${JSON.stringify({ proof, accounts, ...rest }, undefined, 3)}`,
  ]) {
    expect(await check(text)).toEqual(checkDocument(whole()))
  }
  const changed = TEXT.replace('"quantity":"1234567"', '"quantity":"1234568"')
  expect(await check(changed)).toEqual(checkDocument(JSON.parse(changed)))
  expect((await check(changed)).findings).toEqual([expect.stringMatching(/^Line 1 .*: it was changed\.$/)])
})

test.each([
  ['nothing', ''],
  ['a list', '[]'],
  ['half a file', TEXT.slice(0, 900)],
  ['something after it', `${TEXT}x`],
  ['a second document', TEXT + TEXT],
  ['a list without a comma', TEXT.replace('},\n        {"line":2', '}\n        {"line":2')],
  ['a comma too many', TEXT.replace('"proof": []', '"proof": [],')],
  ['a field that is there twice', TEXT.replace('"proof": []', '"proof": [], "proof": []')],
])('%s is no statement', async (_name, text) => {
  expect(await check(text)).toMatchObject({
    intact: false,
    findings: [expect.stringContaining('is not JSON, so it is no statement')],
  })
})

test('bytes that are no UTF-8 are no statement', async () => {
  const bytes = Buffer.from(TEXT)
  bytes[bytes.indexOf('Ü')] = 0xff
  expect(await check(bytes)).toMatchObject({
    intact: false,
    findings: [expect.stringContaining('is not JSON')],
  })
})

test('names what cannot be read, and what to pass', async () => {
  await expect(checkFile(folder)).rejects.toMatchObject({
    code: 'WRONG_USAGE',
    message: `Cannot read ${folder} (EISDIR). Pass the number of a statement, or a file of "statements show --format json".`,
  })
})

test('a header with more lines than there can be is found changed, although its hash fits', async () => {
  for (const lineCount of [2 ** 31, 2 ** 49, 2 ** 53 - 1]) {
    const document = whole()
    const statement = { ...document.statement, lineCount }
    const forged = { ...document, statement, hash: sha256(canonicalJson(statement)), signature: null }
    expect(await check(JSON.stringify(forged))).toMatchObject({
      intact: false,
      findings: [expect.stringContaining('The header was changed')],
    })
  }
})

test('of very many findings the first are listed, and the number of the others', async () => {
  const document = whole()
  const [account] = document.accounts as [AccountWithLines]
  const lines = Array.from({ length: 20_000 }, () => ({ ...account.lines[0]!, quantity: '1' }))
  const { findings } = await check(JSON.stringify({ ...document, accounts: [{ ...account, lines }] }))
  expect(findings).toHaveLength(101)
  expect(findings.at(-1)).toBe('19900 more findings.')
  const list = new FindingList()
  list.add('one')
  expect([list.count, list.list()]).toEqual([1, ['one']])
})
