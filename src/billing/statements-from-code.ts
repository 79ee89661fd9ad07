import { AnalyticsError } from '../model/errors.ts'
import { REQUESTS_UNIT } from '../model/unit.ts'
import type { ClosedStatement, ClosePeriodOptions } from '../model/closing.ts'
import type { StatementCheck, StatementDocument } from '../model/statement.ts'
import { locateDatabase } from '../options/database-location.ts'
import { parseStatus } from '../report/question/parse-filter.ts'
import type { Database } from '../store/database/open-database.ts'
import { parseBillingPeriod } from './billing-period.ts'
import { checkDocument } from './check/check-document.ts'
import { checkStored } from './check/check-stored.ts'
import { closePeriod } from './close/close-period.ts'
import { readPrivateKey, readPublicKey } from './statement/sign-statement.ts'

/** `usage.closePeriod()`: the same as the command `close`. @throws CLOSE_REFUSED, WRONG_USAGE, ARGUMENT_INVALID */
export async function closeFromCode(
  db: Database,
  { privateKey, dataDir, acceptMissing, dryRun, billable, ...period }: ClosePeriodOptions,
): Promise<ClosedStatement> {
  return closePeriod(db, locateDatabase({ dataDir }).dataDir, {
    period: parseBillingPeriod(period),
    billable: readBillable(billable),
    acceptMissing: toAccepted(acceptMissing),
    dryRun,
    ...(privateKey !== undefined && { privateKey: readPrivateKey(privateKey) }),
  })
}

/** `usage.checkStatement()`: the same as the command `statements check`. @throws WRONG_USAGE */
export async function checkFromCode(
  db: Database,
  which: number | string | StatementDocument | undefined,
  options: { readonly publicKey?: string | undefined } = {},
): Promise<StatementCheck> {
  const publicKey = options.publicKey === undefined ? undefined : readPublicKey(options.publicKey)
  return typeof which === 'object' ? checkDocument(which, publicKey) : checkStored(db, { which, publicKey })
}

/** @throws WRONG_USAGE, ARGUMENT_INVALID */
function readBillable(given: ClosePeriodOptions['billable']): string[] {
  const statuses = [given].flat().map((status) => String(parseStatus(String(status))))
  if (statuses.length > 0) return statuses
  throw new AnalyticsError(
    'ARGUMENT_INVALID',
    "billable is an empty list, so nothing would be billed. Pass the statuses that are billed, such as '2xx' or ['2xx', 304].",
  )
}

/** A number is one of requests. @throws ARGUMENT_INVALID */
function toAccepted(given: ClosePeriodOptions['acceptMissing']): Record<string, bigint> {
  const units = typeof given === 'object' ? given : { [REQUESTS_UNIT]: given ?? 0 }
  const isWhole = Object.values(units).every(
    (quantity) => (typeof quantity === 'bigint' || Number.isSafeInteger(quantity)) && quantity >= 0,
  )
  if (!isWhole) {
    throw new AnalyticsError(
      'ARGUMENT_INVALID',
      'acceptMissing is a whole number of requests, or whole numbers by unit such as { tokens: 1200 }.',
    )
  }
  return Object.fromEntries(Object.entries(units).map(([unit, quantity]) => [unit, BigInt(quantity)]))
}
