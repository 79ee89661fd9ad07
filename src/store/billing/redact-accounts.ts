import { canonicalJson, sha256 } from '../../json/canonical-json.ts'
import type { RedactionRecord } from '../../model/statement.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { addEntry, readLastEntry } from './chain.ts'

/** Whose names to blank: those of a key, of one of its owners, or of an owner on any key. */
export type Redacted =
  | { readonly owner: string }
  | {
      readonly keyId: string
      /** Only what is about the times (epoch milliseconds) in which the owner had the key, whatever its name was then. */
      readonly during?: readonly { readonly since: number; readonly until: number }[]
      /** Names of owners that keep theirs: the others of the key. */
      readonly keep?: readonly string[]
    }

/**
 * Blanks the names in all statements and adds a record of it to the chain. No hash of a statement changes: they cover
 * the hash of the names, not the names. The caller holds the lock of a closer.
 */
export async function redactAccounts(tx: Statements, dialect: Dialect, whose: Redacted): Promise<void> {
  const parameters = new SqlParameters()
  const condition =
    'owner' in whose
      ? `salt is not null and customer = ${parameters.add(whose.owner)}`
      : await writeConditionOfKey(tx, dialect, whose, parameters)
  const found = await tx.query<{ statement: number | string; account: number | string }>(
    `select statement, account
from api_key_analytics_statement_accounts
where ${condition}
order by statement, account`,
    parameters.values,
  )
  if (found.length === 0) return
  await tx.query(
    `update api_key_analytics_statement_accounts
set label = null, name = null, owner = null, customer = null, salt = null
where ${condition}`,
    parameters.values,
  )
  const last = await readLastEntry(tx)
  const record: RedactionRecord = {
    format: 1,
    kind: 'redaction',
    sequence: (last?.sequence ?? 0) + 1,
    redactedAt: new Date().toISOString(),
    accounts: found.map(({ statement, account }) => ({
      statement: Number(statement),
      account: Number(account),
    })),
    previousHash: last?.hash ?? null,
  }
  const content = canonicalJson(record)
  const { sequence } = record
  await addEntry(tx, dialect, {
    sequence,
    kind: 'redaction',
    number: null,
    content,
    totals: null,
    hash: sha256(content),
    signature: null,
  })
}

/** Whether a statement was made for an owner, whatever its name was then. */
export async function isOnStatement(tx: Statements, owner: string): Promise<boolean> {
  const found = await tx.query(
    'select 1 from api_key_analytics_statement_accounts where customer = $1 limit 1',
    [owner],
  )
  return found.length > 0
}

const TIMES = (dialect: Dialect) => `
select distinct l.statement, l.account, ${dialect.millisecondsOf('l.owner_since')} as "ownerSince",
  ${dialect.millisecondsOf('p.since')} as since
from api_key_analytics_statement_lines l
join api_key_analytics_statements p on p.number = l.period
where l.api_key_id = $1 and p.kind = 'statement'`

async function writeConditionOfKey(
  tx: Statements,
  dialect: Dialect,
  { keyId, during, keep = [] }: Exclude<Redacted, { readonly owner: string }>,
  parameters: SqlParameters,
): Promise<string> {
  const conditions = ['salt is not null', `api_key_id = ${parameters.add(keyId)}`]
  if (keep.length > 0) {
    const names = keep.map((name) => parameters.add(name)).join(', ')
    conditions.push(`(customer is null or customer not in (${names}))`)
  }
  if (during) {
    const times = await tx.query<Record<'statement' | 'account' | 'ownerSince' | 'since', number | string>>(
      TIMES(dialect),
      [keyId],
    )
    const isTheirs = (moment: number) => during.some(({ since, until }) => since <= moment && moment < until)
    const theirs = times.filter((line) => isTheirs(Math.max(Number(line.ownerSince), Number(line.since))))
    const pairs = theirs.map((one) => `(${Number(one.statement)}, ${Number(one.account)})`)
    conditions.push(pairs.length > 0 ? `(statement, account) in (values ${pairs.join(', ')})` : 'false')
  }
  return conditions.join(' and ')
}
