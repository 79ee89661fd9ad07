import { readChoice, readQuery, wrongUsage } from '../web/read-query.ts'
import type { Customer, CustomerDimension, CustomerQuestion } from '../model/customer-usage.ts'
import { formatInstant } from '../time/calendar.ts'
import { parsePeriod } from '../time/period.ts'

/** The parameters of a question. */
export const QUESTION_PARAMETERS = ['month', 'by', 'tz'] as const
const DIMENSIONS: readonly CustomerDimension[] = [
  'key',
  'endpoint',
  'method',
  'status',
  'hour',
  'day',
  'week',
]
/** The longest name of a time zone has 32 characters. */
const LONGEST = 64

/** A question, and the period as the answer names it. */
export interface ReadQuestion {
  readonly question: CustomerQuestion
  /** `2026-11` */
  readonly month: string
}

/** Reads the query of a request. @throws WRONG_USAGE */
export function readQuestion(
  given: Readonly<Record<string, string | string[] | undefined>>,
  { customer, timeZone: usual, now }: { customer: Customer; timeZone: string; now: Date },
): ReadQuestion {
  const query = readQuery(given, QUESTION_PARAMETERS)
  for (const name of QUESTION_PARAMETERS) {
    if ((query[name]?.length ?? 0) > LONGEST) throw wrongUsage(`The parameter ${name} is too long.`)
  }
  const by = readChoice(query, 'by', DIMENSIONS)
  const timeZone = query['tz'] ?? usual
  // the time zone first: without a month, it decides which one it is
  parsePeriod({ timeZone }, now)
  const month = query['month'] ?? formatInstant(now, timeZone, 'month')
  const { since, until } = parsePeriod({ month, timeZone }, now)
  return { month, question: { customer, by, timeZone, since: since!.getTime(), until: until!.getTime() } }
}
