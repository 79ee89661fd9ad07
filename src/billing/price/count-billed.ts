import { sumBilled } from '../../store/billing/sum-billed.ts'
import type { BilledQuantity } from '../../store/billing/sum-billed.ts'
import type { Database } from '../../store/database/open-database.ts'
import type { StatementSource } from '../statement/read-statement.ts'
import type { PriceList } from './price-list.ts'
import { readCustomerNames } from '../../store/billing/customer-names.ts'
import { customerOf } from './price-lines.ts'
import type { PriceableLine } from './price-lines.ts'
import { findRule } from './pricer.ts'
import type { CountedBefore } from './pricer.ts'

/** A line of a statement: with its part of a period, in which the key had one owner. */
type StatementPart = PriceableLine & { readonly ownerSince: string | null }

/**
 * Counts what the statements before billed of the periods that a statement corrects, by rule and customer. A customer
 * may have had another name then, and a key another customer: it is found by the keys and the time in which they were
 * its own.
 */
export async function countBilled(
  db: Database,
  { statement }: Pick<StatementSource, 'statement'>,
  lines: readonly StatementPart[],
  list: PriceList,
): Promise<CountedBefore> {
  const sums = new Map<string, bigint>()
  const presentNames = await readCustomerNames(db, statement.number)
  /** By period and customer. */
  const formerNames = new Map<string, Set<string>>()
  for (const { statement: period } of statement.corrects) {
    const billed = await sumBilled(db, period, statement.number)
    addUp(sums, period, billed, list)
    const parts = Map.groupBy(billed, nameOfPart)
    for (const line of lines) {
      const billedPart = line.period === period ? (parts.get(nameOfPart(line)) ?? []) : []
      const customer = JSON.stringify([period, customerOf(line)])
      const names = formerNames.get(customer) ?? new Set()
      formerNames.set(customer, names)
      for (const one of billedPart) names.add(customerOf(one))
    }
  }
  return (rule, period, customer) => {
    const former = formerNames.get(JSON.stringify([period, customer])) ?? []
    const names = new Set([presentNames.get(customer) ?? customer, ...former])
    const number = list.rules.indexOf(rule)
    return [...names].reduce((sum, name) => sum + (sums.get(nameOfSum(period, number, name)) ?? 0n), 0n)
  }
}

function addUp(
  sums: Map<string, bigint>,
  period: number,
  billed: readonly BilledQuantity[],
  list: PriceList,
): void {
  for (const one of billed) {
    const rule = findRule(list, one)
    if (!rule) continue
    const name = nameOfSum(period, list.rules.indexOf(rule), customerOf(one))
    sums.set(name, (sums.get(name) ?? 0n) + one.quantity)
  }
}

const nameOfSum = (period: number | string, rule: number, customer: string): string =>
  JSON.stringify([period, rule, customer])

const nameOfPart = ({ keyId, ownerSince }: { keyId: string; ownerSince: string | null }): string =>
  `${keyId} ${ownerSince}`
