import { chunksOf } from '../../model/chunks-of.ts'
import { PeriodSums } from '../../model/period-sums.ts'
import type { AccountWithLines, StatementAccount } from '../../model/statement.ts'
import type { ClosedPeriod } from '../../store/billing/closed-periods.ts'
import { findDue, findDueKeys } from '../../store/billing/find-due.ts'
import { fixOwners } from '../../store/billing/fix-owners.ts'
import { readKeyNames } from '../../store/keys/read-key-names.ts'
import { addAccounts } from '../../store/billing/statement-rows.ts'
import { toStored } from '../../store/database/exact-sum.ts'
import type { Database } from '../../store/database/open-database.ts'
import { readOwners } from '../../store/keys/key-owners.ts'
import type { OwnerPeriods } from '../../store/keys/owner-periods.ts'
import { TreeRoot } from '../statement/hash-tree.ts'
import { sealAccount, sealLine } from '../statement/seal-statement.ts'
import { compareDue, compareKeys } from './line-order.ts'
import type { DueLine } from './line-order.ts'

/** Keys whose lines are in memory at a time: with 1000 endpoints each some tens of megabytes. */
const CHUNK_KEYS = 20

/** What the header says about the lines. */
export interface WrittenLines {
  readonly accounts: number
  readonly lines: number
  readonly root: string
  readonly sums: PeriodSums
}

/** Writes what is due: all usage of the first period, which is being closed, and the corrections of the others. */
export async function writeLines(
  db: Database,
  periods: readonly ClosedPeriod[],
  signal: AbortSignal | undefined,
): Promise<WrittenLines> {
  const { number } = periods[0]!
  const due = new Map<string, ClosedPeriod[]>()
  for (const period of periods) {
    const keyIds = await findDueKeys(db, period)
    await fixOwners(db, period, keyIds)
    for (const id of keyIds) due.set(id, [...(due.get(id) ?? []), period])
  }
  const names = await readKeyNames(db, [...due.keys()])
  const ids = [...due.keys()].sort((a, b) => compareKeys(a, b, names))
  const root = new TreeRoot()
  const sums = new PeriodSums()
  let [accountCount, lineCount] = [0, 0]
  for (const some of chunksOf(ids, CHUNK_KEYS)) {
    signal?.throwIfAborted()
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
    for (const line of accounts.flatMap(({ lines }) => lines)) {
      root.add(Buffer.from(line.hash, 'hex'))
      sums.add(line)
    }
  }
  return { accounts: accountCount, lines: lineCount, root: root.digest().toString('hex'), sums }
}

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
    for (const quantity of await findDue(db, period, keys)) {
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
