import { PeriodSums } from '../../model/period-sums.ts'
import { describeQuantities, groupDigits } from '../../model/quantities.ts'
import type { StatementHeader, StatementLine, StatementPeriod } from '../../model/statement.ts'
import { escapeMarkdown } from '../../report/render/render-markdown.ts'
import { escapeTerminal } from '../../terminal/escape-terminal.ts'
import { kindOf, nameOfAccount, periodOf } from '../statement/line-facts.ts'
import type { StatementSource } from '../statement/read-statement.ts'
import { alignCells, alignPairs } from './align-cells.ts'

/** Prints a statement as Markdown, in pieces. */
export async function* renderAsMarkdown(source: StatementSource): AsyncGenerator<string> {
  const { statement, accounts } = source
  yield `## Statement ${statement.number}: ${escapeMarkdown(describePeriod(statement.period))}\n\n`
  yield `${factsOf(source)
    .map(([name, text]) => `- ${name}: ${escapeMarkdown(text)}`)
    .join('\n')}\n\n`
  yield '| Customer | Key | Method | Endpoint | Unit | Quantity | Period |\n| --- | --- | --- | --- | --- | ---: | --- |\n'
  const sums = new PeriodSums()
  for await (const account of accounts) {
    account.lines.forEach((line) => sums.add(line))
    const rows = account.lines.map((line) =>
      [
        account.owner ?? '',
        nameOfAccount(account),
        line.method,
        line.endpoint,
        line.unit,
        groupDigits(line.quantity),
        remarkOf(statement, line),
      ]
        .map(escapeMarkdown)
        .join(' | '),
    )
    yield rows.map((row) => `| ${row} |\n`).join('')
  }
  yield `\n${describeSums(sums, statement)
    .map(([name, text]) => `- ${name}: ${text}`)
    .join('\n')}\n`
}

/** Prints a statement for a terminal, in pieces. */
export async function* renderAsTable(source: StatementSource): AsyncGenerator<string> {
  const { statement, accounts } = source
  yield `Statement ${statement.number}: ${describePeriod(statement.period)}\n\n${alignPairs(factsOf(source))}\n`
  const sums = new PeriodSums()
  for await (const account of accounts) {
    account.lines.forEach((line) => sums.add(line))
    yield `${escapeTerminal(`${account.owner ?? '(no customer)'}: ${nameOfAccount(account)}, key ${account.keyId}`)}\n`
    const cells = account.lines.map((line) => [
      escapeTerminal(`${line.method} ${line.endpoint}`),
      line.unit,
      groupDigits(line.quantity),
      remarkOf(statement, line),
    ])
    yield `${alignCells(cells)}\n`
  }
  yield alignPairs(describeSums(sums, statement))
}

function describeSums(sums: PeriodSums, { number, corrects }: StatementHeader): [string, string][] {
  const printed = new Set(sums.periods())
  return [
    ['Total', describeQuantities(sums.of(number))],
    ...corrects
      .filter(({ statement }) => printed.has(statement))
      .map(({ statement, period }): [string, string] => [
        `Corrections of ${period.label}`,
        `${describeQuantities(sums.of(statement))} (statement ${statement})`,
      ]),
  ]
}

function factsOf({ statement, totals, hash, signature }: StatementSource): (readonly [string, string])[] {
  const { period, billable, closedAt, database, previousHash, lineCount } = statement
  const missing = describeQuantities(totals?.acceptedMissing ?? {})
  return [
    ['Period', `${period.since} to ${period.until}`],
    ['Billed', `requests with status ${billable.join(', ')}`],
    ['Closed', closedAt],
    ['Database', database],
    ['Lines', `${groupDigits(String(lineCount))} in all`],
    ...(missing ? [['Missing', `${missing} were counted, never arrived and are not billed`] as const] : []),
    ['Hash', hash],
    ['Hash before', previousHash ?? 'none, this is the first one'],
    ['Signature', signature ? `Ed25519, public key ${signature.publicKey}` : 'none'],
  ]
}

function describePeriod({ label, timeZone }: StatementPeriod): string {
  return `${label} (${timeZone})`
}

function remarkOf(statement: StatementHeader, line: StatementLine): string {
  const period = periodOf(statement, line)
  const from = line.ownerSince === null ? '' : `, from ${line.ownerSince}`
  return kindOf(statement, line) === 'usage'
    ? `${period.label}${from}`
    : `correction of ${period.label}${from}`
}
