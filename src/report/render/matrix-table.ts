import { isCalendarUnit } from '../../time/calendar.ts'
import { axesOf, nameOfAxis } from '../usage/axes.ts'
import {
  addAmounts,
  amountOf,
  compareAmounts,
  nameOfAmount,
  subtractAmounts,
  sumAmounts,
} from '../usage/amount.ts'
import type { Amount } from '../usage/amount.ts'
import { formatCount } from '../../terminal/format-number.ts'
import { pluralOfAxis, tellApart, titleOfAxis, valueOnAxis } from '../usage/group-names.ts'
import type { Cell, Column, ReportTable } from './report-table.ts'
import type { ReportSection, UsageReport } from '../usage/usage-report.ts'

type Value = ReturnType<typeof valueOnAxis>

/** Two dimensions as lines and columns, with their sums. */
export function matrixTable(report: UsageReport, { by, groups }: ReportSection): ReportTable {
  const [down = ['key'] as const, across = ['month'] as const] = axesOf(by)
  const textFor = tellApart(groups, report.period.timeZone)
  const lines = new Map<Value, { text: string; cells: Map<Value, Amount>; total: Amount }>()
  const sums = new Map<Value, { text: string; sum: Amount }>()
  for (const group of groups) {
    const [id, place] = [valueOnAxis(group, down), valueOnAxis(group, across)]
    const line = lines.get(id) ?? { text: textFor(group, down), cells: new Map<Value, Amount>(), total: 0 }
    const column = sums.get(place) ?? { text: textFor(group, across), sum: 0 }
    const amount = amountOf(group)
    line.cells.set(place, addAmounts(line.cells.get(place) ?? 0, amount))
    line.total = addAmounts(line.total, amount)
    lines.set(id, line)
    sums.set(place, { ...column, sum: addAmounts(column.sum, amount) })
  }
  const ordered = isCalendarUnit(across[0]) || across[0] === 'status'
  const places = [...sums].sort(([a, x], [b, y]) =>
    ordered ? Number(a) - Number(b) : compareAmounts(y.sum, x.sum),
  )
  const rows = [...lines]
    .sort(([a, x], [b, y]) =>
      isCalendarUnit(down[0]) ? Number(a) - Number(b) : compareAmounts(y.total, x.total),
    )
    .map(([, line]) => line)
  const shown = sumAmounts(
    rows.map(({ total }) => total),
    report.unit,
  )
  const rest = subtractAmounts(amountOf(report.total), shown)
  // On a narrow terminal the oldest times and the rarest values are left out first.
  const dropFirst = (index: number) => (isCalendarUnit(across[0]) ? places.length - index : index + 1)
  return {
    columns: [
      { name: nameOfAxis(down), title: `${titleOfAxis(down)} \\ ${titleOfAxis(across)}`, kind: 'text' },
      ...places.map(([, { text }], index): Column => ({
        name: text,
        title: text,
        kind: 'count',
        dropFirst: dropFirst(index),
      })),
      { name: 'total', title: 'Total', kind: 'count' },
    ],
    rows: rows.map(({ text, cells, total }) =>
      [text as Cell].concat(
        places.map(([place]) => cells.get(place) ?? null),
        total,
      ),
    ),
    total: [rest > 0 ? 'Total shown' : 'Total', ...places.map(([, { sum }]) => sum), shown],
    note:
      rest > 0
        ? `More ${pluralOfAxis(down)} with ${formatCount(rest)} ${nameOfAmount(report.unit, rest)}: use --limit 0 to see all.`
        : undefined,
  }
}
