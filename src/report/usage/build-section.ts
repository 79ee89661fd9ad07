import type { UsageDimension } from '../../model/usage-query.ts'
import type { UsageRow } from '../../model/usage-row.ts'
import { axesOf, isMatrix } from './axes.ts'
import { spread } from './build-series.ts'
import { addAmounts, amountOfRow, compareAmounts, shareOf, zeroOf } from './amount.ts'
import type { Amount } from './amount.ts'
import { countKeys, measureUsage, sumUp } from './measure-usage.ts'
import type { ReportGroup, ReportSection } from './usage-report.ts'

/** The input for a section. */
export interface SectionParts {
  readonly by: readonly UsageDimension[]
  /** Every group of the period, in the order to show. */
  readonly rows: readonly UsageRow[]
  /** Every group of the previous period; only when compared. */
  readonly before?: readonly UsageRow[] | undefined
  /** False when the database does not have all of the previous period: there is no basis for a change then. */
  readonly isComparable: boolean
  /** What is counted instead of requests. */
  readonly unit?: string | undefined
  /** Of all groups. */
  readonly total: Amount
  /** Groups to skip. */
  readonly offset: number
  /** Most groups to show. */
  readonly limit: number
  /** Groups are in the order of time: the newest are shown, the oldest of them first. */
  readonly keepNewest: boolean
  /** The steps of a trend; empty for no trend. */
  readonly steps: readonly Date[]
}

/** Builds a section from the groups that are shown. */
export function buildSection(parts: SectionParts): ReportSection {
  const { by, rows, before, isComparable, total, steps, unit } = parts
  const rowsBefore = new Map(before?.map((row) => [identify(row, by), row]))
  const groups = cutRows(parts).map((row): ReportGroup => {
    const previous = before && (rowsBefore.get(identify(row, by)) ?? sumUp([], unit))
    return Object.assign(namesOf(row, by), measureUsage(row, previous, isComparable), {
      share: shareOf(amountOfRow(row), total),
      trend: steps.length > 0 ? spread(row.trend ?? [], steps, zeroOf(unit), amountOfRow) : undefined,
    })
  })
  const ofKeys = by.length === 1 && by[0] === 'key'
  return { by, groupCount: rows.length, keyCount: ofKeys ? countKeys(rows) : undefined, groups }
}

/** The groups to show. A matrix shows all cells of some lines. */
function cutRows({ by, rows, offset, limit, keepNewest }: SectionParts): readonly UsageRow[] {
  const [down] = axesOf(by)
  if (!down || !isMatrix(by)) return cut(rows, offset, limit, keepNewest)
  const lines = new Map<string, Amount>()
  for (const row of rows) {
    const line = identify(row, down)
    lines.set(line, addAmounts(lines.get(line) ?? 0, amountOfRow(row)))
  }
  const ordered = keepNewest ? [...lines] : [...lines].sort(([, a], [, b]) => compareAmounts(b, a))
  const shown = new Set(cut(ordered, offset, limit, keepNewest).map(([line]) => line))
  return rows.filter((row) => shown.has(identify(row, down)))
}

function cut<T>(all: readonly T[], offset: number, limit: number, fromEnd: boolean): readonly T[] {
  if (!fromEnd) return all.slice(offset, offset + limit)
  const end = Math.max(0, all.length - offset)
  return all.slice(Math.max(0, end - limit), end)
}

/** The dimensions of a row. A key has only the fields that name it. */
function namesOf(row: UsageRow, by: readonly UsageDimension[]): Partial<ReportGroup> {
  return Object.fromEntries(
    by.map((dimension) => {
      if (dimension !== 'key' || !row.key) return [dimension, row[dimension]]
      const { id, label, name, owner, keyCount } = row.key
      return [dimension, { id, label, name, owner, ...(keyCount !== undefined && { keyCount }) }]
    }),
  )
}

function identify(row: UsageRow, by: readonly UsageDimension[]): string {
  return JSON.stringify(by.map((dimension) => (dimension === 'key' ? row.key?.id : row[dimension])))
}
