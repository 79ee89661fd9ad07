import { AnalyticsError } from '../errors.ts'
import type { StatusFilter, UsageDimension } from '../usage.ts'

const DIMENSIONS: readonly UsageDimension[] = [
  'key',
  'endpoint',
  'method',
  'status',
  'owner',
  'hour',
  'day',
  'week',
  'month',
]

/** Reads `--by`. @throws WRONG_USAGE */
export function parseDimensions(by: readonly string[] | undefined): UsageDimension[] | undefined {
  if (!by) return undefined
  const unknown = by.find((name) => !(DIMENSIONS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `Cannot group by "${unknown}". Use one or two of ${DIMENSIONS.join(', ')}.`,
    )
  }
  if (new Set(by).size !== by.length || by.length > 2) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      'Group by one dimension, or by two different ones: --by key,month.',
    )
  }
  return by as UsageDimension[]
}

/** Reads `429` or `4xx`. @throws WRONG_USAGE */
export function parseStatus(text: string): StatusFilter {
  if (/^[1-5]\d\d$/.test(text)) return Number(text)
  if (/^[1-5]xx$/i.test(text)) return text.toLowerCase() as StatusFilter
  throw new AnalyticsError(
    'WRONG_USAGE',
    `Cannot read "${text}" as a status. Use one such as 429, or a class such as 4xx.`,
  )
}
