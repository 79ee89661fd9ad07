import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { renderStatement } from '../../src/billing/print/render-statement.ts'
import { checkDocument } from '../../src/billing/check/check-document.ts'
import type { StatementDocument, StatementFormat } from '../../src/model/statement.ts'

/** A statement as version 0.1.0 made it, and what it printed. These files never change. */
const FOLDER = new URL('../support/usage/statement/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8')
const statement = JSON.parse(read('statement.json')) as StatementDocument

async function print(format: StatementFormat): Promise<string> {
  async function* accounts() {
    yield* statement.accounts
  }
  const pieces = renderStatement({ ...statement, accounts: accounts(), proof: () => statement.proof }, format)
  return (await Array.fromAsync(pieces)).join('')
}

test.each([
  ['table', 'statement.txt'],
  ['csv', 'statement.csv'],
  ['json', 'statement.json'],
  ['markdown', 'statement.md'],
] as const)('prints an old statement as %s with the same bytes as ever', async (format, file) => {
  expect(await print(format)).toBe(read(file))
})

test('finds nothing wrong with an old statement', () => {
  expect(checkDocument(statement)).toMatchObject({ intact: true, lines: 5 })
})
