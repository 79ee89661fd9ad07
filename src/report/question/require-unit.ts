import { AnalyticsError } from '../../model/errors.ts'
import { REQUESTS_UNIT } from '../../model/unit.ts'
import { didYouMean, suggest } from '../../model/suggest.ts'
import type { Database } from '../../store/database/open-database.ts'
import { findUnits } from '../../store/read/find-units.ts'

/** Checks that a unit was ever counted. @throws WRONG_USAGE with the units of the database */
export async function requireUnit(db: Database, unit: string): Promise<void> {
  if (unit === REQUESTS_UNIT) {
    throw new AnalyticsError('WRONG_USAGE', 'Requests are counted without a unit: leave it out.')
  }
  const known = await findUnits(db)
  if (known.includes(unit)) return
  const units =
    known.length > 0
      ? `This database has ${known.join(', ')}.`
      : 'This database has no units: an app declares them with the option "units".'
  throw new AnalyticsError(
    'WRONG_USAGE',
    `No quantity of "${unit}" was ever counted.${didYouMean(suggest(unit, known))} ${units}`,
  )
}
