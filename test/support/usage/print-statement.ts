import { openStatement } from '../../../src/billing/statement/read-statement.ts'
import { renderStatement } from '../../../src/billing/print/render-statement.ts'
import type { StatementFilter } from '../../../src/model/statement.ts'
import type { Database } from '../../../src/store/database/open-database.ts'

/** A statement, or a customer's part of it, in every format. */
export async function printStatement(
  db: Database,
  number: number,
  filter: StatementFilter = {},
): Promise<Record<'table' | 'csv' | 'json' | 'markdown', string>> {
  const print = async (format: 'table' | 'csv' | 'json' | 'markdown') => {
    const pieces = renderStatement(await openStatement(db, number, filter), format)
    return (await Array.fromAsync(pieces)).join('')
  }
  return {
    table: await print('table'),
    csv: await print('csv'),
    json: await print('json'),
    markdown: await print('markdown'),
  }
}
