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
import { pluralOfAxis, tellApart, titleOfAxis } from '../usage/group-names.ts'
import type { Cell, Column, ReportTable } from './report-table.ts'
import type { ReportSection, UsageReport } from '../usage/usage-report.ts'

/** Two dimensions as lines and columns, with their sums. */
export function matrixTable(report: UsageReport, { by, groups }: ReportSection): ReportTable {
  const [down = ['key'] as const, across = ['month'] as const] = axesOf(by)
  const textFor = tellApart(groups, report.period.timeZone)
  const lines = new Map<string, { text: string; cells: Map<string, Amount>; total: Amount }>()
  const sums = new Map<string, Amount>()
  for (const group of groups) {
    const text = textFor(group, down)
    const name = textFor(group, across)
    const id = group.key && down[0] === 'key' ? group.key.id : text
    const line = lines.get(id) ?? { text, cells: new Map<string, Amount>(), total: 0 }
    const amount = amountOf(group)
    line.cells.set(name, addAmounts(line.cells.get(name) ?? 0, amount))
    line.total = addAmounts(line.total, amount)
    lines.set(id, line)
    sums.set(name, addAmounts(sums.get(name) ?? 0, amount))
  }
  const ordered = isCalendarUnit(across[0]) || across[0] === 'status'
  const names = [...sums]
    .sort(([a, x], [b, y]) => (ordered ? (a < b ? -1 : 1) : compareAmounts(y, x)))
    .map(([name]) => name)
  const rows = [...lines.values()].sort((a, b) =>
    isCalendarUnit(down[0]) ? (a.text < b.text ? -1 : 1) : compareAmounts(b.total, a.total),
  )
  const shown = sumAmounts(
    rows.map(({ total }) => total),
    report.unit,
  )
  const rest = subtractAmounts(amountOf(report.total), shown)
  // On a narrow terminal the oldest times and the rarest values are left out first.
  const dropFirst = (index: number) => (isCalendarUnit(across[0]) ? names.length - index : index + 1)
  return {
    columns: [
      { name: nameOfAxis(down), title: `${titleOfAxis(down)} \\ ${titleOfAxis(across)}`, kind: 'text' },
      ...names.map((name, index): Column => ({
        name,
        title: name,
        kind: 'count',
        dropFirst: dropFirst(index),
      })),
      { name: 'total', title: 'Total', kind: 'count' },
    ],
    rows: rows.map(({ text, cells, total }) =>
      [text as Cell].concat(
        names.map((name) => cells.get(name) ?? null),
        total,
      ),
    ),
    total: [rest > 0 ? 'Total shown' : 'Total', ...names.map((name) => sums.get(name) ?? 0), shown],
    note:
      rest > 0
        ? `More ${pluralOfAxis(down)} with ${formatCount(rest)} ${nameOfAmount(report.unit)}: use --limit 0 to see all.`
        : undefined,
  }
}
