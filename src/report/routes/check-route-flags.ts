import { AnalyticsError } from '../../model/errors.ts'
import { checkFormat } from '../question/check-report-flags.ts'
import type { ReportFlags } from '../question/report-flags.ts'

const OF_OTHER_REPORTS = [
  'key',
  'endpoint',
  'owner',
  'method',
  'status',
  'by',
  'unit',
  'compare',
  'billable',
  'prices',
  'latency',
  'sort',
] as const
const OF_PERIODS = ['since', 'until', 'month'] as const

/** Refuses every flag that would not change a report about routes. @throws WRONG_USAGE */
export function checkRouteFlags(flags: ReportFlags): void {
  const { unused, deprecated } = flags
  if (unused !== undefined && deprecated)
    refuse('--unused and --deprecated are two reports: leave one of them out.')
  const name = unused === undefined ? '--deprecated' : '--unused'
  const other = OF_OTHER_REPORTS.find((flag) => flags[flag] !== undefined && flags[flag] !== false)
  if (other) refuse(`${name} is a report of its own: leave --${other} out.`)
  const time = OF_PERIODS.find((flag) => flags[flag] !== undefined)
  if (unused !== undefined && (time || (flags.tz ?? 'UTC') !== 'UTC'))
    refuse(`--unused counts whole UTC days back from the last complete one: leave --${time ?? 'tz'} out.`)
  checkFormat(flags)
}

function refuse(message: string): never {
  throw new AnalyticsError('WRONG_USAGE', message)
}
