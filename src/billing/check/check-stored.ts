import type { KeyObject } from 'node:crypto'
import type { RedactionRecord, StatementCheck, StatementSummary } from '../../model/statement.ts'
import { readEntries } from '../../store/billing/chain.ts'
import { readAccounts, readLines } from '../../store/billing/statement-rows.ts'
import { readSnapshot } from '../../store/database/read-snapshot.ts'
import type { Statements } from '../../store/database/dialect.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findStatementFaults } from '../../store/verify/find-statement-faults.ts'
import { canonicalJson } from '../../json/canonical-json.ts'
import { TreeRoot } from '../statement/hash-tree.ts'
import { findStatement, findStatements } from '../statement/read-statement.ts'
import { hashLine, hashNames, isBlanked } from '../statement/seal-statement.ts'
import { FindingList } from './finding-list.ts'
import { isSigned, toBase64 } from '../statement/sign-statement.ts'

/**
 * Checks the statements of a database, or one of them: every line, the hash tree, the chain, signatures, and that names
 * are blank only where a record in the chain says so. All of one state of the database, in constant memory.
 */
export async function checkStored(
  db: Database,
  {
    which,
    publicKey,
  }: { readonly which?: string | number | undefined; readonly publicKey?: KeyObject | undefined } = {},
): Promise<StatementCheck> {
  return readSnapshot(db, async (tx) => {
    const within = { ...db, ...tx }
    const faults = await findStatementFaults(tx, db.dialect)
    if (faults.chain.length > 0)
      return { intact: false, statements: 0, lines: 0, findings: faults.chain, notes: [] }
    const chosen = which === undefined ? await findStatements(within) : [await findStatement(within, which)]
    const redacted = await readRedacted(tx)
    const findings = new FindingList()
    findings.add(...faults.totals, ...(await findStrayAccounts(tx)))
    let [lines, blanked, unsigned] = [0, 0, 0]
    for (const summary of chosen) {
      findings.add(...findWrongSignature(summary, publicKey))
      const checked = await checkOne(within, summary, redacted, findings)
      lines += checked.lines
      blanked += checked.blanked
      unsigned += summary.signature ? 0 : 1
    }
    return {
      intact: findings.count === 0,
      statements: chosen.length,
      lines,
      findings: findings.list(),
      notes: [
        ...(blanked > 0
          ? [`The names of ${blanked} accounts were blanked (keys forget), as the chain records.`]
          : []),
        ...(unsigned > 0 && unsigned < chosen.length ? [`${unsigned} statements are not signed.`] : []),
      ],
    }
  })
}

async function findStrayAccounts(tx: Statements): Promise<string[]> {
  const strays = await tx.query<{ statement: number }>(
    `select distinct statement
from api_key_analytics_statement_accounts
where statement not in (select number from api_key_analytics_statements where number is not null)
order by statement`,
  )
  return strays.map(({ statement }) => `There are accounts of a statement ${statement} that does not exist.`)
}

async function checkOne(
  db: Database,
  { statement, totals }: StatementSummary,
  redacted: ReadonlySet<string>,
  findings: FindingList,
): Promise<{ lines: number; blanked: number }> {
  const { number, linesHash, lineCount } = statement
  const accounts = await readAccounts(db, number)
  if (accounts.length !== totals.accountCount) {
    findings.add(
      `Statement ${number}: it has ${accounts.length} accounts, and had ${totals.accountCount} when it was made.`,
    )
  }
  let blanked = 0
  for (const account of accounts) {
    if (isBlanked(account)) {
      blanked += 1
      if (redacted.has(`${number} ${account.account}`)) continue
      findings.add(
        `Statement ${number}, account ${account.account}: its names are blank without a record of it.`,
      )
    } else if (hashNames(account) !== account.hash) {
      findings.add(
        `Statement ${number}, account ${account.account} (key ${account.keyId}): its names were changed.`,
      )
    }
  }
  const byNumber = new Map(accounts.map((account) => [account.account, account]))
  const root = new TreeRoot()
  let lines = 0
  for await (const page of readLines(db, db.dialect, number)) {
    for (const line of page) {
      lines += 1
      root.add(Buffer.from(line.hash, 'hex'))
      const account = byNumber.get(line.account)
      if (account?.keyId !== line.keyId || hashLine(account, line) !== line.hash) {
        const what = `key ${line.keyId}, ${line.method} ${line.endpoint}, ${line.unit}`
        findings.add(`Statement ${number}, line ${line.line} (${what}): it was changed.`)
      }
    }
  }
  if (root.digest().toString('hex') !== linesHash) {
    const count =
      lines === lineCount
        ? 'exchanged'
        : lines < lineCount
          ? `removed: ${lines} of ${lineCount} are left`
          : 'added'
    findings.add(`Statement ${number}: lines were ${count}.`)
  }
  return { lines, blanked }
}

function findWrongSignature(
  { statement, signature }: StatementSummary,
  publicKey: KeyObject | undefined,
): string[] {
  const name = `Statement ${statement.number}`
  if (signature && !isSigned(canonicalJson(statement), signature))
    return [`${name}: the signature does not fit it.`]
  if (!publicKey || (signature && signature.publicKey === toBase64(publicKey))) return []
  return [signature ? `${name}: it was signed with another key.` : `${name}: it is not signed.`]
}

/** The accounts that redaction records of the chain name. */
async function readRedacted(tx: Statements): Promise<Set<string>> {
  const records = (await readEntries(tx)).filter(({ kind }) => kind === 'redaction')
  return new Set(
    records.flatMap(({ content }) =>
      (JSON.parse(content) as RedactionRecord).accounts.map(
        ({ statement, account }) => `${statement} ${account}`,
      ),
    ),
  )
}
