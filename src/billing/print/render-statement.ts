/**
 * Prints statements. The same statement gives the same bytes for ever, so nothing here depends on the terminal, the
 * locale, the time or the version of a library. test/unit/render-statement.test.ts keeps a copy of every format.
 */

import type { StatementFormat } from '../../model/statement.ts'
import { renderCsv } from '../../report/render/render-csv.ts'
import type { CsvSeparator } from '../../report/render/render-csv.ts'
import { kindOf, periodOf } from '../statement/line-facts.ts'
import type { StatementSource } from '../statement/read-statement.ts'
import { renderAsMarkdown, renderAsTable } from './render-for-people.ts'

/** Prints a statement in a format, in pieces. */
export function renderStatement(
  source: StatementSource,
  format: StatementFormat,
  separator: CsvSeparator = ',',
): AsyncGenerator<string, void, undefined> {
  if (format === 'csv') return renderAsCsv(source, separator)
  return { table: renderAsTable, json: renderAsJson, markdown: renderAsMarkdown }[format](source)
}

async function* renderAsJson({
  statement,
  totals,
  hash,
  signature,
  accounts,
  proof,
}: StatementSource): AsyncGenerator<string> {
  const head = JSON.stringify({ statement, totals, hash, signature }, undefined, 2)
  yield `${head.slice(0, -2)},\n  "accounts": [`
  let isFirst = true
  for await (const { lines, ...account } of accounts) {
    const names = JSON.stringify(account)
    // a line of text per line of the statement, so that a person finds the one that a check names
    const texts = lines.map((line) => `\n        ${JSON.stringify(line)}`)
    yield `${isFirst ? '' : ','}\n    {${names.slice(1, -1)}, "lines": [${texts.join(',')}\n      ]}`
    isFirst = false
  }
  const hashes = proof().map((one) => `\n    ${JSON.stringify(one)}`)
  yield `${isFirst ? '' : '\n  '}],\n  "proof": [${hashes.join(',')}${hashes.length > 0 ? '\n  ' : ''}]\n}\n`
}

/** The columns of the CSV format; later versions may add some at the end. */
const CSV_COLUMNS = [
  'statement',
  'line',
  'kind',
  'period',
  'since',
  'until',
  'timeZone',
  'keyId',
  'keyLabel',
  'keyName',
  'keyOwner',
  'ownerSince',
  'method',
  'endpoint',
  'unit',
  'quantity',
]

async function* renderAsCsv(
  { statement, accounts }: StatementSource,
  separator: CsvSeparator,
): AsyncGenerator<string> {
  yield renderCsv([CSV_COLUMNS], separator)
  for await (const { keyId, label, name, owner, lines } of accounts) {
    const rows = lines.map((line) => {
      const { label: period, since, until, timeZone } = periodOf(statement, line)
      return [
        String(statement.number),
        String(line.line),
        kindOf(statement, line),
        period,
        since,
        until,
        timeZone,
        keyId,
        label,
        name,
        owner,
        line.ownerSince,
        line.method,
        line.endpoint,
        line.unit,
        BigInt(line.quantity),
      ]
    })
    yield renderCsv(rows, separator)
  }
}
