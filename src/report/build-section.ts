import type { UsageDimension } from '../model/usage-query.ts'
import type { UsageRow } from '../model/usage-row.ts'
import { axesOf, isMatrix } from './axes.ts'
import { spread } from './build-series.ts'
import { countKeys, measure } from './measure-usage.ts'
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
  readonly totalRequests: number
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
  const { by, rows, before, isComparable, totalRequests, steps } = parts
  const requestsBefore = new Map(before?.map((row) => [identify(row, by), row.requestCount]))
  const groups = cutRows(parts).map((row): ReportGroup => {
    const previous = before && (requestsBefore.get(identify(row, by)) ?? 0)
    return Object.assign(namesOf(row, by), measure(row, previous, isComparable), {
      share: totalRequests ? row.requestCount / totalRequests : 0,
      trend:
        steps.length > 0 ? spread(row.trend ?? [], steps, ({ requestCount }) => requestCount) : undefined,
    })
  })
  const ofKeys = by.length === 1 && by[0] === 'key'
  return { by, groupCount: rows.length, keyCount: ofKeys ? countKeys(rows) : undefined, groups }
}

/** The groups to show. A matrix shows all cells of some lines. */
function cutRows({ by, rows, offset, limit, keepNewest }: SectionParts): readonly UsageRow[] {
  const [down] = axesOf(by)
  if (!down || !isMatrix(by)) return cut(rows, offset, limit, keepNewest)
  const lines = new Map<string, number>()
  for (const row of rows) {
    const line = identify(row, down)
    lines.set(line, (lines.get(line) ?? 0) + row.requestCount)
  }
  const ordered = keepNewest ? [...lines] : [...lines].sort(([, a], [, b]) => b - a)
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
      const { id, label, name, owner } = row.key
      return [dimension, { id, label, name, owner }]
    }),
  )
}

function identify(row: UsageRow, by: readonly UsageDimension[]): string {
  return JSON.stringify(by.map((dimension) => (dimension === 'key' ? row.key?.id : row[dimension])))
}
