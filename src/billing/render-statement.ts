/**
 * Prints statements. The same statement gives the same bytes for ever, so nothing here depends on the terminal, the
 * locale, the time or the version of a library. test/unit/render-statement.test.ts keeps a copy of every format.
 */

import type {
  AccountWithLines,
  StatementFormat,
  StatementHeader,
  StatementLine,
  StatementPeriod,
} from '../model/statement.ts'
import { renderCsv } from '../report/render-csv.ts'
import type { CsvSeparator } from '../report/render-csv.ts'
import { escapeMarkdown } from '../report/render-markdown.ts'
import { escapeTerminal } from '../terminal/escape-terminal.ts'
import { addQuantities } from './quantities.ts'
import type { StatementSource } from './read-statement.ts'

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

async function* renderAsMarkdown(source: StatementSource): AsyncGenerator<string> {
  const { statement, accounts } = source
  yield `## Statement ${statement.number}: ${escapeMarkdown(describePeriod(statement.period))}\n\n`
  yield `${factsOf(source)
    .map(([name, text]) => `- ${name}: ${escapeMarkdown(text)}`)
    .join('\n')}\n\n`
  yield '| Customer | Key | Method | Endpoint | Unit | Quantity | Period |\n| --- | --- | --- | --- | --- | ---: | --- |\n'
  const sums = new Sums()
  for await (const account of accounts) {
    sums.add(account)
    const rows = account.lines.map((line) =>
      [
        account.owner ?? '',
        nameOf(account),
        line.method,
        line.endpoint,
        line.unit,
        group(line.quantity),
        remarkOf(statement, line),
      ]
        .map(escapeMarkdown)
        .join(' | '),
    )
    yield rows.map((row) => `| ${row} |\n`).join('')
  }
  yield `\n${sums
    .describe(statement)
    .map(([name, text]) => `- ${name}: ${text}`)
    .join('\n')}\n`
}

async function* renderAsTable(source: StatementSource): AsyncGenerator<string> {
  const { statement, accounts } = source
  yield `Statement ${statement.number}: ${describePeriod(statement.period)}\n\n${alignPairs(factsOf(source))}\n`
  const sums = new Sums()
  for await (const account of accounts) {
    sums.add(account)
    yield `${escapeTerminal(`${account.owner ?? '(no customer)'}: ${nameOf(account)}, key ${account.keyId}`)}\n`
    const cells = account.lines.map((line) => [
      escapeTerminal(`${line.method} ${line.endpoint}`),
      line.unit,
      group(line.quantity),
      remarkOf(statement, line),
    ])
    yield `${alignCells(cells)}\n`
  }
  yield alignPairs(sums.describe(statement))
}

/** Adds up the printed lines. */
class Sums {
  readonly #lines = new Map<number, Map<string, bigint>>()

  add({ lines }: AccountWithLines): void {
    for (const { period, unit, quantity } of lines) {
      const sums = this.#lines.get(period) ?? new Map<string, bigint>()
      this.#lines.set(period, sums.set(unit, (sums.get(unit) ?? 0n) + BigInt(quantity)))
    }
  }

  describe({ number, corrects }: StatementHeader): [string, string][] {
    const textOf = (period: number) => {
      const sums = [...(this.#lines.get(period) ?? [])].map(([unit, sum]) => ({
        unit,
        quantity: String(sum),
      }))
      return Object.entries(addQuantities(sums))
        .map(([unit, quantity]) => `${group(quantity)} ${unit}`)
        .join(', ')
    }
    const corrected = corrects.filter(({ statement }) => this.#lines.has(statement))
    return [
      ['Total', textOf(number)],
      ...corrected.map(({ statement, period }): [string, string] => [
        `Corrections of ${period.label}`,
        `${textOf(statement)} (statement ${statement})`,
      ]),
    ]
  }
}

function factsOf({ statement, totals, hash, signature }: StatementSource): [string, string][] {
  const { period, billable, closedAt, database, previousHash, lineCount } = statement
  const acceptedMissing = totals?.acceptedMissing ?? 0
  return [
    ['Period', `${period.since} to ${period.until}`],
    ['Billed', `requests with status ${billable.join(', ')}`],
    ['Closed', closedAt],
    ['Database', database],
    ['Lines', `${group(String(lineCount))} in all`],
    ...(acceptedMissing > 0
      ? [
          [
            'Missing',
            `${group(String(acceptedMissing))} counted requests never arrived and are not billed`,
          ] as [string, string],
        ]
      : []),
    ['Hash', hash],
    ['Hash before', previousHash ?? 'none, this is the first one'],
    ['Signature', signature ? `Ed25519, public key ${signature.publicKey}` : 'none'],
  ]
}

function describePeriod({ label, timeZone }: StatementPeriod): string {
  return `${label} (${timeZone})`
}

/** The period of a line: that of the statement, or an earlier one that it corrects. */
export function periodOf(
  { number, period, corrects }: StatementHeader,
  line: Pick<StatementLine, 'period'>,
): StatementPeriod {
  if (line.period === number) return period
  return corrects.find(({ statement }) => statement === line.period)?.period ?? period
}

/** What a line is. */
export function kindOf(
  { number }: StatementHeader,
  line: Pick<StatementLine, 'period'>,
): 'usage' | 'correction' {
  return line.period === number ? 'usage' : 'correction'
}

function remarkOf(statement: StatementHeader, line: StatementLine): string {
  const period = periodOf(statement, line)
  const from = line.ownerSince === null ? '' : `, from ${line.ownerSince}`
  return kindOf(statement, line) === 'usage'
    ? `${period.label}${from}`
    : `correction of ${period.label}${from}`
}

/** The name that people know a key by. */
export function nameOf({ name, label, keyId }: Pick<AccountWithLines, 'name' | 'label' | 'keyId'>): string {
  return name ?? label ?? keyId
}

/** `-1,234,567` */
export function group(quantity: string): string {
  return quantity.replace(/\B(?=(\d{3})+$)/g, ',')
}

function alignPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join('')
}

/** Columns that are as wide as their longest cell; the third one is for numbers. */
export function alignCells(rows: readonly (readonly string[])[]): string {
  // not by what a terminal shows: that would change with every version of Unicode
  const lengthOf = (text: string) => Array.from(text).length
  const widths =
    rows[0]?.map((_, column) => rows.reduce((width, row) => Math.max(width, lengthOf(row[column]!)), 0)) ?? []
  const pad = (text: string, column: number) => {
    const space = ' '.repeat(widths[column]! - lengthOf(text))
    return column === 2 || column === 4 ? space + text : text + space
  }
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd() + '\n').join('')
}
