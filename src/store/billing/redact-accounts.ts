import { canonicalJson, sha256 } from '../../json/canonical-json.ts'
import type { RedactionRecord } from '../../model/statement.ts'
import type { Dialect, Statements } from '../database/dialect.ts'
import { SqlParameters } from '../database/sql-parameters.ts'
import { addEntry, readLastEntry } from './chain.ts'

/** Whose names to blank: one key (of one owner only, or of all but some owners), or an owner on any key. */
export interface Redacted {
  readonly keyId?: string
  readonly owner?: string
  /** Names of owners that keep theirs: the others of a key that several customers had. */
  readonly keep?: readonly string[]
}

/**
 * Blanks the names in all statements and adds a record of it to the chain. No hash of a statement changes: they cover
 * the hash of the names, not the names. The caller holds the lock of a closer.
 */
export async function redactAccounts(tx: Statements, dialect: Dialect, whose: Redacted): Promise<void> {
  const parameters = new SqlParameters()
  const condition = writeCondition(whose, parameters)
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
set label = null, name = null, owner = null, salt = null
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

/** Whether a statement has the name of an owner. */
export async function isOnStatement(tx: Statements, owner: string): Promise<boolean> {
  const found = await tx.query(
    'select 1 from api_key_analytics_statement_accounts where owner = $1 limit 1',
    [owner],
  )
  return found.length > 0
}

function writeCondition({ keyId, owner, keep = [] }: Redacted, parameters: SqlParameters): string {
  const conditions = ['salt is not null']
  if (keyId !== undefined) conditions.push(`api_key_id = ${parameters.add(keyId)}`)
  if (owner !== undefined) conditions.push(`owner = ${parameters.add(owner)}`)
  if (keep.length > 0) {
    conditions.push(
      `owner is not null and owner not in (${keep.map((name) => parameters.add(name)).join(', ')})`,
    )
  }
  return conditions.join(' and ')
}
