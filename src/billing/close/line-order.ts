import { compareTexts } from '../../model/compare-texts.ts'
import { compareUnits } from '../../model/quantities.ts'
import type { ClosedPeriod } from '../../store/billing/closed-periods.ts'
import type { DueQuantity } from '../../store/billing/find-due.ts'
import type { readKeyNames } from '../../store/keys/read-key-names.ts'

/** What is due of a key in one of its periods. */
export type DueLine = DueQuantity & { readonly period: ClosedPeriod }

/** Usage first, then corrections from the oldest; requests before other units. */
export function compareDue(number: number): (a: DueLine, b: DueLine) => number {
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
export function compareKeys(a: string, b: string, names: Names): number {
  const textsOf = (id: string) => {
    const { label, name, owner } = names.get(id) ?? {}
    return [owner ?? '\uffff', name ?? label ?? '\uffff', id] as const
  }
  const [first, second] = [textsOf(a), textsOf(b)]
  return compareTexts(first[0], second[0]) || compareTexts(first[1], second[1]) || compareTexts(a, b)
}
