import { AnalyticsError } from '../../model/errors.ts'
import { didYouMean, suggest } from '../../model/suggest.ts'
import type { StatusFilter, UsageDimension } from '../../model/usage-query.ts'

const WORDS = {
  key: ['key'],
  endpoint: ['method', 'endpoint'],
  path: ['endpoint'],
  method: ['method'],
  status: ['status'],
  owner: ['owner'],
  hour: ['hour'],
  day: ['day'],
  week: ['week'],
  month: ['month'],
} as const satisfies Record<string, readonly UsageDimension[]>

/** The words that `--by` takes. */
export const DIMENSION_WORDS: readonly string[] = Object.keys(WORDS)

/**
 * Parses `--by`: an endpoint is a method and a pattern, a path is all methods of a pattern. `most` is the limit.
 * @throws WRONG_USAGE
 */
export function parseDimensions(by: readonly string[] | undefined, most = 2): UsageDimension[] | undefined {
  if (!by) return undefined
  const unknown = by.find((name) => !Object.hasOwn(WORDS, name))
  if (unknown !== undefined) {
    const near = didYouMean(suggest(unknown, Object.keys(WORDS)))
    throw new AnalyticsError(
      'WRONG_USAGE',
      `Cannot group by "${unknown}".${near} Use one or more of ${Object.keys(WORDS).join(', ')}.`,
    )
  }
  // an endpoint includes its method
  const words = by.includes('endpoint') ? by.filter((name) => name !== 'method') : by
  const dimensions = words.flatMap((name): readonly UsageDimension[] => WORDS[name as keyof typeof WORDS])
  if (new Set(dimensions).size < dimensions.length) {
    throw new AnalyticsError('WRONG_USAGE', `Cannot group by ${by.join(' and ')}: one of them is in another.`)
  }
  if (words.length > most) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      `Group by ${most === 1 ? 'one dimension' : `at most ${most} dimensions`}${most === 2 ? ', such as --by key,month; by three with --format csv, json or xlsx' : ''}.`,
    )
  }
  return dimensions
}

/** Parses `429` or `4xx`. @throws WRONG_USAGE */
export function parseStatus(text: string): StatusFilter {
  if (/^[1-5]\d\d$/.test(text)) return Number(text)
  if (/^[1-5]xx$/i.test(text)) return text.toLowerCase() as StatusFilter
  throw new AnalyticsError(
    'WRONG_USAGE',
    `Cannot read "${text}" as a status. Use one such as 429, or a class such as 4xx.`,
  )
}
