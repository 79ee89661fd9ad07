import type { KeyObject } from 'node:crypto'
import { AnalyticsError } from '../model/errors.ts'
import type {
  AccountWithLines,
  ClosedStatement,
  CorrectedPeriod,
  StatementAccount,
  StatementHeader,
  StatementTotals,
} from '../model/statement.ts'
import { readUndelivered } from '../report/note-undelivered.ts'
import { addEntry, readEntries, readLastEntry, readLastStatement } from '../store/billing/chain.ts'
import { readClosedPeriods } from '../store/billing/closed-periods.ts'
import type { ClosedPeriod } from '../store/billing/closed-periods.ts'
import { findDue, findDueKeys } from '../store/billing/find-due.ts'
import type { DueQuantity } from '../store/billing/find-due.ts'
import { fixOwners } from '../store/billing/fix-owners.ts'
import { lockStatements } from '../store/billing/lock-statements.ts'
import { readDatabaseId, readKeyNames } from '../store/billing/read-closing-state.ts'
import { addAccounts } from '../store/billing/statement-rows.ts'
import { toStored } from '../store/database/exact-sum.ts'
import type { Database } from '../store/database/open-database.ts'
import { readOwners } from '../store/keys/key-owners.ts'
import type { OwnerPeriods } from '../store/keys/owner-periods.ts'
import { HOLD_WRITERS } from '../store/remove/lock-rows.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'
import { examineClosing } from './examine-closing.ts'
import type { Findings } from './examine-closing.ts'
import { toStatementPeriod } from './billing-period.ts'
import type { BillingPeriod } from './billing-period.ts'
import { TreeRoot } from './hash-tree.ts'
import { compareUnits, REQUESTS, toQuantities } from './quantities.ts'
import { makeSalt, sealAccount, sealLine } from './seal-statement.ts'
import { signContent } from './sign-statement.ts'

/** Keys whose lines are in memory at a time: with 1000 endpoints each some tens of megabytes. */
const CHUNK_KEYS = 20

/** What to close, and how. */
export interface CloseOrder {
  readonly period: BillingPeriod
  /** Statuses and classes: `['2xx', '304']`. */
  readonly billable: readonly string[]
  /** As many missing requests are accepted, and printed on the statement. */
  readonly acceptMissing?: number | undefined
  /** Computes everything and stores nothing. */
  readonly dryRun?: boolean | undefined
  readonly privateKey?: KeyObject | undefined
  readonly signal?: AbortSignal | undefined
  readonly now?: Date | undefined
}

/**
 * Closes a period: writes its statement, with the corrections of earlier periods, in one transaction that sees one
 * state of the database. Flushes go on meanwhile; what they add comes with the next statement.
 * @throws CLOSE_REFUSED with every reason and its remedy
 */
export async function closePeriod(
  db: Database,
  dataDir: string,
  order: CloseOrder,
): Promise<ClosedStatement> {
  // outside of the transaction, because it reads files
  const waiting = await readUndelivered(db, dataDir)
  let made: ClosedStatement | undefined
  try {
    await db.transaction(
      async (tx) => {
        await lockStatements(tx, db, 'close')
        // Citus has no state of all its servers, so writers wait there
        if (db.distributed) await tx.query(HOLD_WRITERS)
        const within = { ...db, ...tx }
        const findings = await examineClosing(within, order, waiting, dataDir)
        if (findings.refusals.length > 0 && (!order.dryRun || findings.isClosed))
          throw refused(order, findings)
        made = await writeStatement(within, order, findings)
        if (order.dryRun) throw new DryRun()
      },
      db.distributed ? 'write' : 'close',
    )
  } catch (error) {
    if (error instanceof DryRun) return { ...made!, stored: false }
    // A connection that was cut around COMMIT says nothing about the outcome.
    const isUnknown = made && error instanceof AnalyticsError && error.code === 'DATABASE_UNREACHABLE'
    if (!isUnknown || !(await isStored(db, made!))) throw error
  }
  return made!
}

/** Ends the transaction of a dry run without storing anything. */
class DryRun extends Error {}

async function isStored(db: Database, { statement, hash }: ClosedStatement): Promise<boolean> {
  const [entry] = await readEntries(db, statement.number)
  return entry?.hash === hash
}

function refused({ period }: CloseOrder, { refusals }: Findings): AnalyticsError {
  const [first, ...more] = refusals
  const text =
    more.length === 0 ? first : refusals.map((reason, index) => `(${index + 1}) ${reason}`).join(' ')
  return new AnalyticsError('CLOSE_REFUSED', `${period.label} (${period.timeZone}) is not closed: ${text}`)
}

async function writeStatement(db: Database, order: CloseOrder, findings: Findings): Promise<ClosedStatement> {
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
  for (const [corrected, sums] of [...written.totals].sort(([a], [b]) => a - b)) {
    if (corrected === number) continue
    const [entry] = await readEntries(db, corrected)
    const { period: itsPeriod } = JSON.parse(entry!.content) as StatementHeader
    corrects.push({ statement: corrected, period: itsPeriod })
    corrections.push({ statement: corrected, quantities: toQuantities(sums) })
  }
  const totals: StatementTotals = {
    salt: makeSalt(),
    usage: toQuantities(new Map([[REQUESTS, 0n], ...(written.totals.get(number) ?? [])])),
    corrections,
    accountCount: written.accounts,
    acceptedMissing: findings.acceptedMissing,
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

interface WrittenLines {
  readonly accounts: number
  readonly lines: number
  readonly root: string
  /** By the statement whose period they belong to, and by unit. */
  readonly totals: Map<number, Map<string, bigint>>
}

/** Writes what is due: all usage of the first period, which is being closed, and the corrections of the others. */
async function writeLines(
  db: Database,
  periods: readonly ClosedPeriod[],
  signal: AbortSignal | undefined,
): Promise<WrittenLines> {
  const { number } = periods[0]!
  const due = new Map<string, ClosedPeriod[]>()
  for (const period of periods) {
    await fixOwners(db, db.dialect, period)
    for (const id of await findDueKeys(db, db, period)) due.set(id, [...(due.get(id) ?? []), period])
  }
  const names = await readKeyNames(db, [...due.keys()])
  const ids = [...due.keys()].sort((a, b) => compareKeys(a, b, names))
  const root = new TreeRoot()
  const totals: WrittenLines['totals'] = new Map()
  let [accountCount, lineCount] = [0, 0]
  for (let first = 0; first < ids.length; first += CHUNK_KEYS) {
    signal?.throwIfAborted()
    const some = ids.slice(first, first + CHUNK_KEYS)
    const found = await findDueOfKeys(db, some, due)
    const owners = await readOwners(db, db.dialect, some)
    const accounts: AccountWithLines[] = []
    for (const id of some) {
      const lines = (found.get(id) ?? []).toSorted(compareDue(number))
      const byOwner = Map.groupBy(lines, (line) => ownerAt(owners.get(id), line))
      for (const [owner, itsLines] of byOwner) {
        const { label = null, name = null } = names.get(id) ?? {}
        const account = sealAccount(++accountCount, { keyId: id, label, name, owner })
        accounts.push({ ...account, lines: itsLines.map((line) => sealDue(account, ++lineCount, line)) })
      }
    }
    await addAccounts(db, db.dialect, number, accounts)
    for (const { lines } of accounts) {
      for (const { hash, period, unit, quantity } of lines) {
        root.add(Buffer.from(hash, 'hex'))
        const sums = totals.get(period) ?? new Map<string, bigint>()
        totals.set(period, sums.set(unit, (sums.get(unit) ?? 0n) + BigInt(quantity)))
      }
    }
  }
  return { accounts: accountCount, lines: lineCount, root: root.digest().toString('hex'), totals }
}

/** What is due of a key in one of its periods. */
type DueLine = DueQuantity & { readonly period: ClosedPeriod }

async function findDueOfKeys(
  db: Database,
  ids: readonly string[],
  due: ReadonlyMap<string, readonly ClosedPeriod[]>,
): Promise<Map<string, DueLine[]>> {
  const keysOf = new Map<ClosedPeriod, string[]>()
  for (const id of ids) {
    for (const period of due.get(id)!) keysOf.set(period, [...(keysOf.get(period) ?? []), id])
  }
  const found = new Map<string, DueLine[]>()
  for (const [period, keys] of keysOf) {
    for (const quantity of await findDue(db, db, period, keys)) {
      const lines = found.get(quantity.keyId) ?? []
      lines.push({ ...quantity, period })
      found.set(quantity.keyId, lines)
    }
  }
  return found
}

function sealDue(account: StatementAccount, line: number, due: DueLine): AccountWithLines['lines'][number] {
  const { period, ownerSince, method, endpoint, unit, quantity } = due
  const since = ownerSince === 0 ? null : new Date(ownerSince).toISOString()
  return sealLine(account, {
    line,
    period: period.number,
    ownerSince: since,
    method,
    endpoint,
    unit,
    quantity: toStored(quantity, unit),
  })
}

/** Who owns a key, as known now, in the time that a line is about. */
function ownerAt(periods: OwnerPeriods | undefined, { ownerSince, period }: DueLine): string | null {
  const moment = Math.max(ownerSince, period.since)
  return periods?.findLast(({ since }) => since <= moment)?.owner ?? null
}

/** Usage first, then corrections from the oldest; requests before other units. */
function compareDue(number: number): (a: DueLine, b: DueLine) => number {
  const rank = ({ period }: DueLine) => (period.number === number ? 0 : period.number)
  return (a, b) =>
    rank(a) - rank(b) ||
    a.ownerSince - b.ownerSince ||
    compareTexts(a.endpoint, b.endpoint) ||
    compareTexts(a.method, b.method) ||
    compareUnits(a.unit, b.unit)
}

type Names = Awaited<ReturnType<typeof readKeyNames>>

/** By customer, then by name; forgotten keys last. */
function compareKeys(a: string, b: string, names: Names): number {
  const textsOf = (id: string) => {
    const { label, name, owner } = names.get(id) ?? {}
    return [owner ?? '\uffff', name ?? label ?? '\uffff', id] as const
  }
  const [first, second] = [textsOf(a), textsOf(b)]
  return compareTexts(first[0], second[0]) || compareTexts(first[1], second[1]) || compareTexts(a, b)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
