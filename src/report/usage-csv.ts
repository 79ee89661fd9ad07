import type { UsageDimension } from '../usage.ts'
import type { ReportGroup, UsageReport } from './usage-report.ts'
import { renderCsv } from './render-csv.ts'
import type { CsvValue } from './render-csv.ts'

const MEASURES = [
  'requests',
  'share',
  'errorRate',
  'clientErrors',
  'serverErrors',
  'rejected',
  'meanDurationMs',
  'firstUsed',
  'lastUsed',
] as const

/**
 * The groups of a report as CSV: a line of names, then one line per group with plain numbers and UTC times, whatever
 * the number of dimensions. An invoice line has the period and the time zone in it.
 */
export function renderUsageCsv(report: UsageReport): string {
  const tables = report.sections.map((section) => {
    const table = report.report === 'invoice' ? invoiceLines(report) : usageLines(section.by, section.groups)
    return renderCsv(table)
  })
  return tables.join('\r\n')
}

const DURATIONS = ['measured', 'p50Ms', 'p95Ms', 'p99Ms'] as const

function usageLines(by: readonly UsageDimension[], groups: readonly ReportGroup[]): CsvValue[][] {
  const compared = groups.some(({ change }) => change !== undefined)
  const durations = groups.some(({ measured }) => measured !== undefined) ? DURATIONS : []
  const measures = [...MEASURES, ...durations]
  const head = [...by.flatMap(columnsOf), ...measures, ...(compared ? ['previousRequests', 'change'] : [])]
  const lines = groups.map((group) =>
    by
      .flatMap((dimension) => valuesOf(group, dimension))
      .concat(
        measures.map((name) => group[name] ?? null),
        compared ? [group.previousRequests ?? null, group.change ?? null] : [],
      ),
  )
  return [head, ...lines]
}

function invoiceLines({ period, sections }: UsageReport): CsvValue[][] {
  const head = [...columnsOf('key'), 'endpoint', 'requests', 'since', 'until', 'timeZone']
  const groups = sections[0]?.groups ?? []
  const border = [period.since, period.until, period.timeZone]
  const lines = groups.map((group) =>
    valuesOf(group, 'key').concat(group.endpoint ?? null, group.requests, border),
  )
  return [head, ...lines]
}

function columnsOf(dimension: UsageDimension): string[] {
  return dimension === 'key' ? ['keyId', 'keyLabel', 'keyName', 'keyOwner'] : [dimension]
}

function valuesOf(group: ReportGroup, dimension: UsageDimension): CsvValue[] {
  if (dimension === 'key') {
    const { id = null, label = null, name = null, owner = null } = group.key ?? {}
    return [id, label, name, owner]
  }
  return [group[dimension] ?? null]
}
