import { AnalyticsError } from '../../model/errors.ts'
import type {
  AccountWithLines,
  StatementAccount,
  StatementDocument,
  StatementFilter,
  StatementHeader,
  StatementSummary,
  StatementTotals,
} from '../../model/statement.ts'
import { readEntries } from '../../store/billing/chain.ts'
import type { ChainEntry } from '../../store/billing/chain.ts'
import { readAccounts, readLines } from '../../store/billing/statement-rows.ts'
import type { Database } from '../../store/database/open-database.ts'
import { PackedHashes, proveLeaves } from './hash-tree.ts'

/** A statement that is read while it is printed: the accounts come in order, the proof after them. */
export interface StatementSource extends Omit<StatementDocument, 'accounts' | 'proof'> {
  readonly accounts: AsyncIterable<AccountWithLines>
  /** Complete when all accounts were read. */
  readonly proof: () => readonly string[]
}

/** All statements, the first one first. */
export async function findStatements(db: Database): Promise<StatementSummary[]> {
  const entries = await readEntries(db)
  return entries.filter(({ kind }) => kind === 'statement').map(toSummary)
}

/**
 * The statement with a number or of a period: `7`, `2026-10`, `2026-W40`.
 * @throws WRONG_USAGE when there is none, or more than one
 */
export async function findStatement(db: Database, which: string | number): Promise<StatementSummary> {
  const all = await findStatements(db)
  const text = String(which)
  const found = all.filter(
    ({ statement: { number, period } }) => String(number) === text || period.label === text,
  )
  const [only] = found
  if (only && found.length === 1) return only
  const known = all.slice(-3).map(({ statement: { number, period } }) => `${number} (${period.label})`)
  throw new AnalyticsError(
    'WRONG_USAGE',
    found.length > 1
      ? `Several statements are of ${text}: ${found.map(({ statement }) => statement.number).join(', ')}. Pass a number.`
      : all.length === 0
        ? 'No period was closed yet: "apikey-analytics close" makes the first statement.'
        : `There is no statement ${text}. The last ones are ${known.join(', ')}; "apikey-analytics statements list" shows all.`,
  )
}

/** Opens a statement for printing. @throws WRONG_USAGE when it has no line of the owner or key */
export async function openStatement(
  db: Database,
  which: string | number,
  filter: StatementFilter = {},
): Promise<StatementSource> {
  const summary = await findStatement(db, which)
  const { number } = summary.statement
  const accounts = new Map((await readAccounts(db, number)).map((account) => [account.account, account]))
  const isChosen = ({ owner, keyId }: StatementAccount) =>
    (filter.owner === undefined || owner === filter.owner) &&
    (filter.keyId === undefined || keyId === filter.keyId)
  const chosen = new Set([...accounts.values()].filter(isChosen).map(({ account }) => account))
  const isPart = chosen.size < accounts.size
  const isFiltered = filter.owner !== undefined || filter.keyId !== undefined
  if (isFiltered && chosen.size === 0) throw noLinesOf(number, filter)
  const leaves = new PackedHashes()
  const lines: number[] = []
  async function* read(): AsyncGenerator<AccountWithLines, void, undefined> {
    let open: StatementAccount | undefined
    let itsLines: AccountWithLines['lines'][number][] = []
    for await (const page of readLines(db, db.dialect, number)) {
      for (const { account, keyId, ...line } of page) {
        if (isPart) leaves.add(line.hash)
        if (!chosen.has(account) && accounts.has(account)) continue
        if (isPart) lines.push(line.line - 1)
        if (open?.account !== account) {
          if (open) yield { ...open, lines: itsLines }
          open = accounts.get(account) ?? lostAccount(account, keyId)
          itsLines = []
        }
        itsLines.push(line)
      }
    }
    if (open) yield { ...open, lines: itsLines }
  }
  const totals = isPart ? null : summary.totals
  return {
    ...summary,
    totals,
    accounts: read(),
    proof: () => (isPart ? proveLeaves(leaves.bytes(), lines) : []),
  }
}

/** A statement, or a part of it, in memory. */
export async function readStatement(
  db: Database,
  which: string | number,
  filter: StatementFilter = {},
): Promise<StatementDocument> {
  const { statement, totals, hash, signature, accounts, proof } = await openStatement(db, which, filter)
  const read: AccountWithLines[] = []
  for await (const account of accounts) read.push(account)
  return { statement, totals, hash, signature, accounts: read, proof: proof() }
}

function toSummary({ content, totals, hash, signature }: ChainEntry): StatementSummary {
  return {
    statement: JSON.parse(content) as StatementHeader,
    totals: JSON.parse(totals!) as StatementTotals,
    hash,
    signature,
  }
}

/** Stands for an account whose row is gone, so that a check names the lines instead of failing. */
function lostAccount(account: number, keyId: string): StatementAccount {
  return { account, keyId, label: null, name: null, owner: null, salt: null, hash: '' }
}

/** The error for a customer or key that a statement does not have. */
export function noLinesOf(number: number, { owner, keyId }: StatementFilter): AnalyticsError {
  const whose = owner === undefined ? `key ${keyId}` : `the owner "${owner}"`
  return new AnalyticsError(
    'WRONG_USAGE',
    `Statement ${number} has no line of ${whose}. It has the names as they were when it was made.`,
  )
}
