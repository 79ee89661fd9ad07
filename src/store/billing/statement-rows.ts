import { chunksOf } from '../../model/chunks-of.ts'
import type { AccountWithLines, StatementAccount, StatementLine } from '../../model/statement.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { toOwnerSince } from './sum-billed.ts'

/** Rows per statement of SQL. */
const CHUNK_ROWS = 1000
/** Lines per page when a statement is read: a page is at most a few megabytes. */
const PAGE_LINES = 2000

const ACCOUNT_COLUMNS = {
  account: 'int',
  key_id: 'uuid',
  label: 'text',
  name: 'text',
  owner: 'text',
  salt: 'text',
  hash: 'text',
}

const INSERT_ACCOUNTS = (given: string) => `
insert into api_key_analytics_statement_accounts (statement, account, api_key_id, label, name, owner, customer, salt, hash)
select cast($1 as int), account, key_id, label, name, owner, owner, salt, hash
from ${given}
where true
order by n`

const LINE_COLUMNS = {
  line: 'int',
  account: 'int',
  key_id: 'uuid',
  period: 'int',
  owner_since: 'bigint',
  method: 'text',
  endpoint: 'text',
  unit: 'text',
  quantity: 'bigint',
  hash: 'text',
}

const INSERT_LINES = (dialect: Dialect, given: string) => `
insert into api_key_analytics_statement_lines
  (statement, line, account, api_key_id, period, owner_since, method, endpoint, unit, quantity, hash)
select cast($1 as int), line, account, key_id, period, ${dialect.timeOf('owner_since')}, method, endpoint, unit,
  cast(quantity as bigint), hash
from ${given}
where true
order by n`

/** Stores accounts of a statement with their lines. */
export async function addAccounts(
  tx: Statements,
  dialect: Dialect,
  statement: number,
  accounts: readonly AccountWithLines[],
): Promise<void> {
  for (const some of chunksOf(accounts, CHUNK_ROWS)) {
    const rows = some.map(({ account, keyId, label, name, owner, salt, hash }) => [
      account,
      keyId,
      label,
      name,
      owner,
      salt,
      hash,
    ])
    const given = dialect.givenRows(ACCOUNT_COLUMNS, rows, 2)
    await tx.query(INSERT_ACCOUNTS(given.sql), [statement, ...given.params])
  }
  const lines = accounts.flatMap(({ account, keyId, lines }) =>
    lines.map(({ line, period, ownerSince, method, endpoint, unit, quantity, hash }) => [
      line,
      account,
      keyId,
      period,
      ownerSince === null ? 0 : Date.parse(ownerSince),
      method,
      endpoint,
      unit,
      quantity,
      hash,
    ]),
  )
  for (const some of chunksOf(lines, CHUNK_ROWS)) {
    const given = dialect.givenRows(LINE_COLUMNS, some, 2)
    await tx.query(INSERT_LINES(dialect, given.sql), [statement, ...given.params])
  }
}

/** The accounts of a statement, in order. */
export async function readAccounts(tx: Statements, statement: number): Promise<StatementAccount[]> {
  return tx.query<StatementAccount>(
    `select account, api_key_id as "keyId", label, name, owner, salt, hash
from api_key_analytics_statement_accounts
where statement = $1
order by account`,
    [statement],
  )
}

/** A line with the number of its account. */
export type NumberedLine = StatementLine & { readonly account: number; readonly keyId: string }

/** The lines of a statement in pages, in order. */
export async function* readLines(
  tx: Statements,
  dialect: Dialect,
  statement: number,
): AsyncGenerator<NumberedLine[], void, undefined> {
  let after = 0
  for (;;) {
    const rows = await tx.query<Row>(
      `select line, account, api_key_id as "keyId", period, ${dialect.millisecondsOf('owner_since')} as "ownerSince",
  method, endpoint, unit, cast(quantity as text) as quantity, hash
from api_key_analytics_statement_lines
where statement = $1 and line > $2
order by line
limit ${PAGE_LINES}`,
      [statement, after],
    )
    if (rows.length > 0) yield rows.map(toLine)
    if (rows.length < PAGE_LINES) return
    after = rows.at(-1)!.line
  }
}

type Row = Omit<NumberedLine, 'ownerSince'> & { readonly ownerSince: string | number }

function toLine(row: Row): NumberedLine {
  return { ...row, ownerSince: toOwnerSince(row.ownerSince) }
}
