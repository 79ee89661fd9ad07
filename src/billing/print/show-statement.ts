import { AnalyticsError } from '../../model/errors.ts'
import type { StatementFormat } from '../../model/statement.ts'
import { findKey } from '../../report/question/find-key.ts'
import type { SecretInput } from '../../report/question/find-key.ts'
import { keepYoungSpaceSmall } from '../../store/read/keep-young-space-small.ts'
import type { CsvSeparator } from '../../report/render/render-csv.ts'
import type { Database } from '../../store/database/open-database.ts'
import { isUuid } from '../../model/uuid.ts'
import { readPriceList } from '../price/report-pricing.ts'
import { priceStatement } from '../price/price-statement.ts'
import { renderPriced } from './render-priced.ts'
import { openStatement } from '../statement/read-statement.ts'
import { renderStatement } from './render-statement.ts'

/** The flags of `statements show`, parsed. */
export interface ShowFlags {
  readonly owner?: string | undefined
  readonly key?: string | undefined
  readonly format: StatementFormat
  readonly 'csv-separator'?: CsvSeparator | undefined
  readonly prices?: string | undefined
}

/** Prints a statement as the flags say. @throws WRONG_USAGE */
export async function showStatement(
  db: Database,
  which: string,
  flags: ShowFlags,
  secretInput: SecretInput,
): Promise<{ pieces: AsyncIterable<string>; notes: readonly string[] }> {
  keepYoungSpaceSmall()
  const { owner, key, format, prices } = flags
  const separator = flags['csv-separator']
  if (separator !== undefined && format !== 'csv') {
    throw new AnalyticsError('WRONG_USAGE', '--csv-separator needs --format csv.')
  }
  if (prices !== undefined && key !== undefined) {
    throw new AnalyticsError(
      'WRONG_USAGE',
      'Free quantities and tiers are shared by all keys of a customer. Use --owner with --prices, not --key.',
    )
  }
  // a forgotten key is known only by its id
  const keyId =
    key === undefined || isUuid(key) ? key?.toLowerCase() : (await findKey(db, key, secretInput)).id
  const list = prices === undefined ? undefined : await readPriceList(prices)
  const source = await openStatement(db, which, { owner, keyId })
  if (!list) return { pieces: renderStatement(source, format, separator), notes: [] }
  const priced = await priceStatement(db, source, list)
  return { pieces: one(renderPriced(priced, format, separator)), notes: format === 'csv' ? priced.notes : [] }
}

async function* one(text: string): AsyncGenerator<string> {
  yield text
}
