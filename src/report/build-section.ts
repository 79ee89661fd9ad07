import { isCalendarUnit } from '../calendar.ts'
import type { UsageDimension, UsageRow } from '../usage.ts'
import { spread } from './build-series.ts'
import { countKeys, measure } from './measure-usage.ts'
import type { ReportGroup, ReportSection } from './usage-report.ts'

/** What a section is made of. */
export interface SectionParts {
  readonly by: readonly UsageDimension[]
  /** Every group of the period, in the order to show. */
  readonly rows: readonly UsageRow[]
  /** Every group of the period before; only when compared. Groups of time are compared with none. */
  readonly before?: readonly UsageRow[]
  readonly totalRequests: number
  /** Groups to leave out first. */
  readonly offset: number
  /** Groups to show at most. */
  readonly limit: number
  /** The steps of a trend; none for no trend. */
  readonly steps: readonly Date[]
}

/** Shapes the groups that are shown. */
export function buildSection(parts: SectionParts): ReportSection {
  const { by, rows, before, totalRequests, offset, limit, steps } = parts
  const compared = before && !by.some(isCalendarUnit)
  const requestsBefore = new Map(before?.map((row) => [identify(row, by), row.requestCount]))
  const groups = cutRows(rows.slice(offset), by, limit).map((row): ReportGroup => {
    const previous = compared ? (requestsBefore.get(identify(row, by)) ?? 0) : undefined
    return Object.assign(namesOf(row, by), measure(row, previous), {
      share: totalRequests ? row.requestCount / totalRequests : 0,
      ...(steps.length > 0 && { trend: spread(row.trend ?? [], steps, ({ requestCount }) => requestCount) }),
    })
  })
  const ofKeys = by.length === 1 && by[0] === 'key'
  return { by, groupCount: rows.length, ...(ofKeys && { keyCount: countKeys(rows) }), groups }
}

/** Whether two dimensions are shown as lines and columns; method and endpoint are one operation. */
export function isMatrix(by: readonly UsageDimension[]): boolean {
  return by.length === 2 && by.join() !== 'method,endpoint'
}

/** The first groups; of a matrix all cells of the first lines, those with most requests. */
function cutRows(
  rows: readonly UsageRow[],
  by: readonly UsageDimension[],
  limit: number,
): readonly UsageRow[] {
  const [down] = by
  if (!down || !isMatrix(by)) return rows.slice(0, limit)
  const lines = new Map<string, number>()
  for (const row of rows) {
    const line = identify(row, [down])
    lines.set(line, (lines.get(line) ?? 0) + row.requestCount)
  }
  const first = [...lines].sort(([, a], [, b]) => b - a).slice(0, limit)
  const shown = new Set(first.map(([line]) => line))
  return rows.filter((row) => shown.has(identify(row, [down])))
}

/** The dimensions of a row; of a key only what names it. */
function namesOf(row: UsageRow, by: readonly UsageDimension[]): Partial<ReportGroup> {
  return Object.fromEntries(
    by.map((dimension) => {
      if (dimension !== 'key' || !row.key) return [dimension, row[dimension]]
      const { id, label, name, owner } = row.key
      return [dimension, { id, label, name, owner }]
    }),
  )
}

function identify(row: UsageRow, by: readonly UsageDimension[]): string {
  return JSON.stringify(by.map((dimension) => (dimension === 'key' ? row.key?.id : row[dimension])))
}
