import { AnalyticsError } from '../model/errors.ts'

/** The query of a request to the API: each parameter once. */
export type Query = Readonly<Record<string, string | undefined>>

/** Checks a query. Unknown parameters are refused, because they would be silently ignored. @throws WRONG_USAGE */
export function readQuery(
  query: Readonly<Record<string, string | string[] | undefined>>,
  parameters: readonly string[],
): Query {
  for (const [name, value] of Object.entries(query)) {
    if (!parameters.includes(name)) {
      throw wrongUsage(`Unknown parameter ${JSON.stringify(name)}. Use ${parameters.join(', ') || 'none'}.`)
    }
    if (Array.isArray(value)) throw wrongUsage(`Pass ${name} once.`)
  }
  return query as Query
}

/** A parameter with few values; undefined when it is not given. @throws WRONG_USAGE */
export function readChoice<T extends string>(
  query: Query,
  name: string,
  choices: readonly T[],
): T | undefined {
  const value = query[name]
  if (value === undefined || (choices as readonly string[]).includes(value)) return value as T | undefined
  throw wrongUsage(`Cannot read ${name}=${JSON.stringify(value)}. Use ${choices.join(' or ')}.`)
}

/** A number in a range. @throws WRONG_USAGE */
export function readWholeNumber(name: string, text: string, least: number, most: number): number {
  const count = Number(text)
  if (/^\d{1,9}$/.test(text) && count >= least && count <= most) return count
  throw wrongUsage(`Cannot read ${name}=${JSON.stringify(text)}. Use ${least} to ${most}.`)
}

const DEFAULT_ROWS = 20
const MAX_ROWS = 1000

/** Which page of a list is asked for. @throws WRONG_USAGE */
export function readPage({ limit = String(DEFAULT_ROWS), offset = '0' }: Query): {
  readonly limit: number
  readonly offset: number
} {
  return {
    limit: readWholeNumber('limit', limit, 1, MAX_ROWS),
    offset: readWholeNumber('offset', offset, 0, 100_000_000),
  }
}

/** The error for a wrong request. */
export function wrongUsage(message: string): AnalyticsError {
  return new AnalyticsError('WRONG_USAGE', message)
}
