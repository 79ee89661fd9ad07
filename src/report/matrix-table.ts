import { isCalendarUnit } from '../time/calendar.ts'
import { axesOf, nameOfAxis } from './axes.ts'
import { formatCount } from './format-number.ts'
import { pluralOf, tellApart, titleOf } from './group-names.ts'
import type { Cell, Column, ReportTable } from './report-table.ts'
import type { ReportSection, UsageReport } from './usage-report.ts'

/** Two dimensions as lines and columns, with their sums. */
export function matrixTable(report: UsageReport, { by, groups }: ReportSection): ReportTable {
  const [down = ['key'] as const, across = ['month'] as const] = axesOf(by)
  const textFor = tellApart(groups, report.period.timeZone)
  const lines = new Map<string, { text: string; cells: Map<string, number>; total: number }>()
  const sums = new Map<string, number>()
  for (const group of groups) {
    const text = textFor(group, down)
    const name = textFor(group, across)
    const id = group.key && down[0] === 'key' ? group.key.id : text
    const line = lines.get(id) ?? { text, cells: new Map<string, number>(), total: 0 }
    line.cells.set(name, (line.cells.get(name) ?? 0) + group.requests)
    line.total += group.requests
    lines.set(id, line)
    sums.set(name, (sums.get(name) ?? 0) + group.requests)
  }
  const ordered = isCalendarUnit(across[0]) || across[0] === 'status'
  const names = [...sums].sort(([a, x], [b, y]) => (ordered ? (a < b ? -1 : 1) : y - x)).map(([name]) => name)
  const rows = [...lines.values()].sort((a, b) =>
    isCalendarUnit(down[0]) ? (a.text < b.text ? -1 : 1) : b.total - a.total,
  )
  const shown = rows.reduce((sum, { total }) => sum + total, 0)
  const rest = report.total.requests - shown
  // On a narrow terminal the oldest times and the rarest values are left out first.
  const dropFirst = (index: number) => (isCalendarUnit(across[0]) ? names.length - index : index + 1)
  return {
    columns: [
      { name: nameOfAxis(down), title: `${titleOf(down)} \\ ${titleOf(across)}`, kind: 'text' },
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
        ? `More ${pluralOf(down)} with ${formatCount(rest)} requests: use --limit 0 to see all.`
        : undefined,
  }
}
