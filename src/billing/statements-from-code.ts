import type {
  ClosedStatement,
  ClosePeriodOptions,
  StatementCheck,
  StatementDocument,
} from '../model/statement.ts'
import { locateDatabase } from '../options/database-location.ts'
import { parseStatus } from '../report/parse-filter.ts'
import type { Database } from '../store/database/open-database.ts'
import { parseBillingPeriod } from './billing-period.ts'
import { checkDocument } from './check-document.ts'
import { checkStatements } from './check-statements.ts'
import { closePeriod } from './close-period.ts'
import { readPrivateKey, readPublicKey } from './sign-statement.ts'

/** `usage.closePeriod()`: the same as the command `close`. @throws CLOSE_REFUSED, WRONG_USAGE */
export async function closeFromCode(
  db: Database,
  { privateKey, dataDir, acceptMissing, dryRun, billable, ...period }: ClosePeriodOptions,
): Promise<ClosedStatement> {
  return closePeriod(db, locateDatabase({ dataDir }).dataDir, {
    period: parseBillingPeriod(period),
    billable: [billable].flat().map((status) => String(parseStatus(String(status)))),
    acceptMissing,
    dryRun,
    ...(privateKey !== undefined && {
      privateKey: readPrivateKey(
        typeof privateKey === 'string' ? privateKey : privateKey.export({ type: 'pkcs8', format: 'pem' }),
      ),
    }),
  })
}

/** `usage.checkStatement()`: the same as the command `statements check`. @throws WRONG_USAGE */
export async function checkFromCode(
  db: Database,
  which: number | string | StatementDocument | undefined,
  options: { readonly publicKey?: string | undefined } = {},
): Promise<StatementCheck> {
  const publicKey = options.publicKey === undefined ? undefined : readPublicKey(options.publicKey)
  return typeof which === 'object'
    ? checkDocument(which, publicKey)
    : checkStatements(db, { which, publicKey })
}
