import { findStatement, findStatements, noLinesOf } from '../../billing/statement/read-statement.ts'
import { kindOf, nameOfAccount, periodOf } from '../../billing/statement/line-facts.ts'
import { compareTexts } from '../../model/compare-texts.ts'
import type { PeriodSums } from '../../model/period-sums.ts'
import type { StatementHeader, StatementSummary } from '../../model/statement.ts'
import { pageLines } from '../../store/billing/page-lines.ts'
import type { NamedLine } from '../../store/billing/page-lines.ts'
import {
  findStatementsOf,
  nameOfSums,
  readStatementOwners,
  sumOwners,
} from '../../store/billing/statement-owners.ts'
import type { Database } from '../../store/database/open-database.ts'
import { readChoice, readPage, wrongUsage } from '../../web/read-query.ts'
import type { Query } from '../../web/read-query.ts'
import type {
  ListedStatement,
  ShownLine,
  ShownStatement,
  StatementCustomers,
  StatementList,
} from './statement-answers.ts'

/** Answers `api/statements`: all statements, or those of one customer with that customer's sums. */
export async function answerStatements(db: Database, query: Query): Promise<StatementList> {
  const { owner } = query
  const { limit, offset } = readPage(query)
  const latestFirst = (await findStatements(db)).toReversed()
  const its = owner === undefined ? undefined : await findStatementsOf(db, owner)
  const chosen = latestFirst.filter(({ statement }) => its?.has(statement.number) ?? true)
  const page = chosen.slice(offset, offset + limit)
  const sums =
    owner === undefined
      ? undefined
      : await sumOwners(
          db,
          page.map(({ statement }) => statement),
          [owner],
        )
  const statements = page.map((summary) => {
    const ofOwner = owner === undefined ? undefined : sums?.get(nameOfSums(summary.statement.number, owner))
    return toListed(summary, ofOwner)
  })
  return { statements, statementCount: chosen.length }
}

/** Answers `api/statement`: a page of the lines of one statement, and what it says as a whole. */
export async function answerStatement(db: Database, query: Query): Promise<ShownStatement> {
  const { owner } = query
  const summary = await findAsked(db, query)
  const { statement, totals, signature } = summary
  const kind = readChoice(query, 'kind', ['usage', 'correction'])
  const owners = owner === undefined ? [] : await readStatementOwners(db, statement.number)
  const found = owners.find((one) => one.owner === owner)
  if (owner !== undefined && !found) throw noLinesOf(statement.number, { owner })
  const { lines, count } = await pageLines(db, statement, { owner, kind }, readPage(query))
  const sums = owner === undefined ? undefined : await sumOwners(db, [statement], [owner])
  return {
    ...toListed(summary, owner === undefined ? undefined : sums?.get(nameOfSums(statement.number, owner))),
    keys: found?.keys ?? totals.accountCount,
    lineCount: count,
    lines: lines.map((line) => toShown(statement, line)),
    acceptedMissing: totals.acceptedMissing,
    previousHash: statement.previousHash,
    database: statement.database,
    publicKey: signature?.publicKey ?? null,
  }
}

/** Answers `api/statement-customers`. */
export async function answerStatementCustomers(db: Database, query: Query): Promise<StatementCustomers> {
  const { statement } = await findAsked(db, query)
  const { limit, offset } = readPage(query)
  const search = query['search']?.toLowerCase() ?? ''
  const found = (await readStatementOwners(db, statement.number))
    .filter(({ owner }) => search === '' || owner?.toLowerCase().includes(search))
    .sort(
      (a, b) =>
        Number(a.owner === null) - Number(b.owner === null) || compareTexts(a.owner ?? '', b.owner ?? ''),
    )
  const page = found.slice(offset, offset + limit)
  const sums = await sumOwners(
    db,
    [statement],
    page.map(({ owner }) => owner),
  )
  const customers = page.map((one) =>
    Object.assign(one, billedOf(statement, sums.get(nameOfSums(statement.number, one.owner)))),
  )
  return { customers, customerCount: found.length }
}

/** The statement that a query names by its number or period. */
function findAsked(db: Database, { statement }: Query): Promise<StatementSummary> {
  if (statement === undefined) throw wrongUsage('Pass statement: a number or a period, such as 2026-10.')
  return findStatement(db, statement)
}

/** @param sums those of a customer; without them the totals */
function toListed(
  { statement, totals, hash, signature }: StatementSummary,
  sums: PeriodSums | undefined,
): ListedStatement {
  const { number, period, billable, closedAt, corrects } = statement
  const billed = sums
    ? billedOf(statement, sums)
    : {
        usage: totals.usage,
        corrections: corrects.map(({ statement: corrected, period: of }) => ({
          statement: corrected,
          period: of,
          quantities: totals.corrections.find((sum) => sum.statement === corrected)?.quantities ?? {},
        })),
      }
  return { number, period, billable, closedAt, hash, isSigned: signature !== null, ...billed }
}

function billedOf(
  { number, corrects }: StatementHeader,
  sums: PeriodSums | undefined,
): Pick<ListedStatement, 'usage' | 'corrections'> {
  const periods = new Set(sums?.periods())
  return {
    usage: sums?.of(number) ?? {},
    corrections: corrects
      .filter(({ statement }) => periods.has(statement))
      .map(({ statement, period }) => ({ statement, period, quantities: sums?.of(statement) ?? {} })),
  }
}

function toShown(statement: StatementHeader, one: NamedLine): ShownLine {
  const { line, ownerSince, owner, keyId, method, endpoint, unit, quantity } = one
  const kind = kindOf(statement, one)
  return {
    line,
    kind,
    period: periodOf(statement, one),
    corrects: kind === 'correction' ? one.period : null,
    ownerSince,
    owner,
    keyId,
    key: nameOfAccount(one),
    method,
    endpoint,
    unit,
    quantity,
  }
}
