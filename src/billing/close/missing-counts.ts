import { AnalyticsError } from '../../model/errors.ts'
import { compareUnits, groupDigits } from '../../model/quantities.ts'
import type { StatementTotals } from '../../model/statement.ts'
import { isUnitName, REQUESTS_UNIT } from '../../model/unit.ts'

/** Parses `--accept-missing`: `12` is requests, `tokens=1200` another unit. @throws WRONG_USAGE */
export function parseAcceptMissing(texts: readonly string[]): Record<string, bigint> {
  const accepted: Record<string, bigint> = {}
  for (const text of texts) {
    const [, unit = REQUESTS_UNIT, quantity] = /^(?:(\w+)=)?([1-9]\d{0,18})$/.exec(text) ?? []
    if (quantity === undefined || !(unit === REQUESTS_UNIT || isUnitName(unit))) {
      throw new AnalyticsError(
        'WRONG_USAGE',
        `Cannot read "${text}" as what is missing. Use a number of requests such as 12, or tokens=1200.`,
      )
    }
    if (accepted[unit] !== undefined) {
      throw new AnalyticsError('WRONG_USAGE', `Pass --accept-missing once for ${unit}.`)
    }
    accepted[unit] = BigInt(quantity)
  }
  return accepted
}

/** By unit, what is missing and the statement before did not list, instance by instance: a loss is accepted once. */
export function countNewlyMissing(
  missing: StatementTotals['missing'],
  before: StatementTotals['missing'] = [],
): Map<string, bigint> {
  const listed = new Map(before.map(({ instance, unit, quantity }) => [`${instance} ${unit}`, quantity]))
  const sums = new Map<string, bigint>()
  for (const { instance, unit, quantity } of missing) {
    const more = BigInt(quantity) - BigInt(listed.get(`${instance} ${unit}`) ?? 0)
    if (more > 0n) sums.set(unit, (sums.get(unit) ?? 0n) + more)
  }
  return sums
}

/** Why a period cannot be closed with what is missing, one sentence per unit. */
export function describeMissing(
  missing: ReadonlyMap<string, bigint>,
  accepted: Readonly<Record<string, bigint>>,
): string[] {
  const units = [...new Set([...missing.keys(), ...Object.keys(accepted)])].sort(compareUnits)
  return units.flatMap((unit) => describeUnit(unit, missing.get(unit) ?? 0n, accepted[unit] ?? 0n))
}

function describeUnit(unit: string, missing: bigint, accepted: bigint): string[] {
  if (missing === accepted) return []
  if (missing === 0n) return [`no ${unit} are missing. Leave ${flagOf(unit, accepted)} out.`]
  const isOne = unit === REQUESTS_UNIT && missing === 1n
  const [name, are, them] = isOne ? ['request', 'is', 'it'] : [unit, 'are', 'them']
  const shows = unit === REQUESTS_UNIT ? 'of which instances' : 'the account of each unit'
  const remedy = `To bill without them, pass ${flagOf(unit, missing)}: the statement then says so.`
  return [
    accepted === 0n
      ? `${groupDigits(String(missing))} counted ${name} never arrived. "apikey-analytics verify" shows ${shows}; "apikey-analytics flush" on their machines may still deliver ${them}. ${remedy}`
      : `${groupDigits(String(missing))} ${name} ${are} missing, not ${groupDigits(String(accepted))}. ${remedy}`,
  ]
}

function flagOf(unit: string, quantity: bigint): string {
  return `--accept-missing ${unit === REQUESTS_UNIT ? '' : `${unit}=`}${quantity}`
}
