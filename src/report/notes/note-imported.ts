import type { UsageQuery } from '../../model/usage-query.ts'
import { amountOfRow, nameOfAmount } from '../usage/amount.ts'
import { formatCount } from '../../terminal/format-number.ts'
import type { Database } from '../../store/database/open-database.ts'
import { hasImports } from '../../store/imports/find-imports.ts'
import { findUsage } from '../../store/read/find-usage.ts'

/** Notes how much of what a query counts was imported: nobody can prove that. */
export async function noteImported(db: Database, query: UsageQuery): Promise<string[]> {
  const amount = await findImported(db, query)
  return amount
    ? [
        `Of these ${nameOfAmount(query.unit)}, ${formatCount(amount)} ${amount == 1 ? 'was' : 'were'} imported.`,
      ]
    : []
}

/** Notes what invoice lines leave out. */
export async function noteLeftOut(db: Database, query: UsageQuery): Promise<string[]> {
  const amount = await findImported(db, query)
  return amount
    ? [
        `${formatCount(amount)} imported ${nameOfAmount(query.unit, amount)} of this time ${amount == 1 ? 'is' : 'are'} left out: only what was counted is billed.`,
      ]
    : []
}

async function findImported(db: Database, query: UsageQuery): Promise<number | bigint | undefined> {
  if (!(await hasImports(db))) return undefined
  const { since, until, keyIds, links, owner, method, endpoint, status, unit } = query
  const filter = { since, until, keyIds, links, owner, method, endpoint, status, unit, imported: true }
  const [found] = await findUsage(db, filter)
  return found && amountOfRow(found)
}
