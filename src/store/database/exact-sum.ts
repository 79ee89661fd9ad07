import { AnalyticsError } from '../../model/errors.ts'

/**
 * Exact sums of whole numbers. `sum()` of SQLite fails at 2^63, and its driver rounds numbers above 2^53. So the upper
 * and the lower 32 bits are summed up apart, which is exact for four thousand million rows on both databases.
 */
const HALF = 2 ** 32

/** SQL for the sums of both halves of a column. */
export interface Halves {
  readonly high: string
  readonly low: string
}

/** SQL for the two sums of a column of whole numbers, negative ones too. */
export function sumHalves(column: string): Halves {
  return { high: `sum(${column} >> 32)`, low: `sum(${column} & ${HALF - 1})` }
}

/** SQL for both as one text, which `readExact` reads. */
export function textOfHalves({ high, low }: Halves): string {
  return `${high} || ' ' || ${low}`
}

/** SQL for the exact sum of a column as a text, which `readExact` reads. */
export function sumExact(column: string): string {
  return textOfHalves(sumHalves(column))
}

/** Reads what `textOfHalves` wrote. */
export function readExact(text: string): bigint {
  const [high = '', low = ''] = text.split(' ')
  return BigInt(high) * BigInt(HALF) + BigInt(low)
}

/** SQL for the same sum as two expressions that are in its order: the sum of the lower halves may need more than 32 bits. */
export function orderOfHalves({ high, low }: Halves): readonly [string, string] {
  const rest = `${low} % ${HALF}`
  return [`${high} + (${low} - ${rest}) / ${HALF}`, rest]
}

/** SQL for "the sum of a column is not 0". */
export function isSumOther(column: string): string {
  const [high, low] = orderOfHalves(sumHalves(column))
  return `${high} <> 0 or ${low} <> 0`
}

/** SQL for "the sum of a column is below 0". */
export function isSumNegative(column: string): string {
  return `${orderOfHalves(sumHalves(column))[0]} < 0`
}

const MOST = 2n ** 63n - 1n

/**
 * A sum as the parameter of a `bigint` column.
 * @throws DATABASE_FAILED when it is too large: SQLite would store it rounded, without an error
 */
export function toStored(sum: bigint, unit: string): string {
  if (sum <= MOST && sum >= -MOST) return String(sum)
  throw new AnalyticsError(
    'DATABASE_FAILED',
    `A sum of ${unit} is ${sum}, and a database stores whole numbers up to ${MOST}. Count in a larger unit, such as thousands.`,
  )
}
