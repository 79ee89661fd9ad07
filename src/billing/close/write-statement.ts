import type { ClosedStatement } from '../../model/closing.ts'
import type { CorrectedPeriod, StatementHeader, StatementTotals } from '../../model/statement.ts'
import { canonicalJson, sha256 } from '../../json/canonical-json.ts'
import { toQuantities } from '../../model/quantities.ts'
import { addEntry, readEntries, readLastEntry, readLastStatement } from '../../store/billing/chain.ts'
import { readClosedPeriods } from '../../store/billing/closed-periods.ts'
import type { ClosedPeriod } from '../../store/billing/closed-periods.ts'
import { readDatabaseId } from '../../store/database/read-database-id.ts'
import type { Database } from '../../store/database/open-database.ts'
import { toStatementPeriod } from '../billing-period.ts'
import type { BillingPeriod } from '../billing-period.ts'
import { makeSalt } from '../statement/seal-statement.ts'
import { signContent } from '../statement/sign-statement.ts'
import type { CloseOrder } from './close-order.ts'
import type { ClosingFindings } from './examine-closing.ts'
import { writeLines } from './write-lines.ts'

/** Writes a statement and its lines. `db` runs its statements in the transaction of the closing. */
export async function writeStatement(
  db: Database,
  order: CloseOrder,
  findings: ClosingFindings,
): Promise<ClosedStatement> {
  const { period, billable, privateKey, now = new Date() } = order
  const { dialect } = db
  const last = await readLastEntry(db)
  const lastStatement = await readLastStatement(db)
  const number = (lastStatement?.number ?? 0) + 1
  const closed = await readClosedPeriods(db, dialect)
  const opened = toClosedPeriod(number, period, billable)
  const written = await writeLines(db, [opened, ...closed], order.signal)
  const corrects: CorrectedPeriod[] = []
  const corrections: StatementTotals['corrections'][number][] = []
  for (const corrected of written.sums.periods()) {
    if (corrected === number) continue
    const [entry] = await readEntries(db, corrected)
    const { period: itsPeriod } = JSON.parse(entry!.content) as StatementHeader
    corrects.push({ statement: corrected, period: itsPeriod })
    corrections.push({ statement: corrected, quantities: written.sums.of(corrected) })
  }
  const totals: StatementTotals = {
    salt: makeSalt(),
    usage: written.sums.of(number),
    corrections,
    accountCount: written.accounts,
    acceptedMissing: toQuantities(findings.acceptedMissing),
    missing: findings.missing,
    ledger: findings.ledger,
  }
  const statement: StatementHeader = {
    format: 1,
    kind: 'statement',
    sequence: (last?.sequence ?? 0) + 1,
    number,
    period: toStatementPeriod(period),
    billable,
    closedAt: now.toISOString(),
    database: await readDatabaseId(db),
    corrects,
    lineCount: written.lines,
    linesHash: written.root,
    totalsHash: sha256(canonicalJson(totals)),
    previousHash: last?.hash ?? null,
  }
  const content = canonicalJson(statement)
  const hash = sha256(content)
  const signature = privateKey ? signContent(content, privateKey) : null
  const { since, until } = opened
  await addEntry(db, dialect, {
    sequence: statement.sequence,
    kind: 'statement',
    number,
    content,
    totals: canonicalJson(totals),
    hash,
    signature,
    closes: { since, until, billable },
  })
  return {
    statement,
    totals,
    hash,
    signature,
    stored: true,
    refusals: findings.refusals,
    warnings: findings.warnings,
  }
}

function toClosedPeriod(
  number: number,
  { since, until }: BillingPeriod,
  billable: readonly string[],
): ClosedPeriod {
  return {
    number,
    since: since.getTime(),
    until: until.getTime(),
    billable: billable as unknown as ClosedPeriod['billable'],
  }
}
